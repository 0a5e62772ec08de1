"""Who is let in to a model, over the short way and the common one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tritonclient import http
from tritonclient.utils import InferenceServerException
from uvicorn.config import Config
from uvicorn.server import ServerState

from serving import gate as gates
from serving.access import Access, NotAllowed, NoToken, Person, add_person, new_token
from serving.doorway import JSON, Doorway
from serving.fast import protocol
from serving.fast.routes import Route
from serving.gate import Gate, TooMany
from serving.tally import PAUSE_SECONDS
from tests import handmade, tensors
from tests.running import ROOT, Server, environment, serving

SENT = tensors.inputs(tensors.arrays(handmade.rows(2)))
ASKED = {"json": {"rows": handmade.rows(2)}}
# The way of a browser leads through BentoML.
WAYS = ({}, {"origin": "https://elsewhere"})


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def rated(rate: float) -> tuple[Gate, str, Clock]:
    """A gate with one person who has a rate, and their header."""
    clock = Clock()
    token, digest = new_token()
    person = Person(name="ada", roles=("predict",), token_sha256=digest, rate=rate)
    return Gate(Access((person,)), clock), f"Bearer {token}", clock


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "::1%lo"])
def test_without_an_access_file_this_machine_is_let_in(host: str) -> None:
    Gate(Access(None)).let_in(None, host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "192.168.1.2", "::", "fe80::1%eth0", "localhost", "", None])
def test_without_an_access_file_nobody_else_is(host: str | None) -> None:
    with pytest.raises(NotAllowed, match=r"FULCRUM_ACCESS: should name the access file, got nothing: .* alone"):
        Gate(Access(None)).let_in(None, host)


def test_with_one_the_role_decides_wherever_one_comes_from(file: Path) -> None:
    asker, tuner = add_person(file, "ada", ["predict"]), add_person(file, "bo", ["tune", "audit"])
    gate = Gate(Access.read(file))
    for host in ("127.0.0.1", "10.0.0.1", None):
        gate.let_in(f"Bearer {asker}", host)
        with pytest.raises(NotAllowed, match="bo: should have the role predict to do this"):
            gate.let_in(f"Bearer {tuner}", host)
        for header in (None, "Bearer nobody's", asker, "Basic x"):
            with pytest.raises(NoToken):
                gate.let_in(header, host)


@given(
    some.floats(0.2, 50),
    some.lists(some.one_of(some.just(0.0), some.floats(0, 3)), min_size=1, max_size=200),
)
def test_a_rate_is_kept_and_is_no_stricter_than_it_says(rate: float, pauses: list[float]) -> None:
    """Over any time, no more than it allows and one second at once; who keeps to it is never refused."""
    gate, header, clock = rated(rate)
    let_in: list[float] = []
    for pause in pauses:
        clock.now += pause
        try:
            gate.let_in(header, None)
        except TooMany as error:
            clock.now += error.retry_after
            gate.let_in(header, None)
        let_in.append(clock.now)
    at_once = max(1.0, rate)
    for first, begun in enumerate(let_in):
        for last in range(first, len(let_in)):
            assert last - first + 1 <= at_once + rate * (let_in[last] - begun) + 1 + 1e-6


def test_who_is_refused_is_told_when_to_come_again() -> None:
    gate, header, clock = rated(2.0)
    gate.let_in(header, None)
    gate.let_in(header, None)
    with pytest.raises(TooMany) as refused:
        gate.let_in(header, None)
    assert refused.value.retry_after == 1
    assert str(refused.value) == "ada: should ask at most 2 times a second, got more; try again in 0.5 s."
    clock.now += 0.5
    gate.let_in(header, None)


def test_who_has_no_rate_has_that_of_the_gate_and_who_has_one_keeps_it() -> None:
    clock, people, headers = Clock(), [], {}
    for name, rate in (("ada", None), ("bo", 3.0)):
        token, digest = new_token()
        people.append(Person(name=name, roles=("predict",), token_sha256=digest, rate=rate))
        headers[name] = f"Bearer {token}"
    gate = Gate(Access(tuple(people)), clock, rate=2.0)
    for name, rate in (("ada", 2), ("bo", 3)):
        for _ in range(rate):
            person = gate.let_in(headers[name], None)
            assert person is not None
            assert person.name == name
        with pytest.raises(TooMany, match=f"{name}: should ask at most {rate} times a second, got more"):
            gate.let_in(headers[name], None)


def test_of_too_many_people_those_are_forgotten_who_asked_least(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "REMEMBERED", 8)
    clock = Clock()
    gate = Gate(Access(()), clock)
    for place in range(8):
        gate._take(person := Person(name=f"person {place}", roles=(), token_sha256="0" * 64), 1.0)
        clock.now += 0.01
    assert len(gate._full_at) == 8
    gate._take(Person(name="one more", roles=(), token_sha256="0" * 64), 1.0)
    assert sorted(gate._full_at) == ["one more", *(f"person {place}" for place in (4, 5, 6, 7))]
    with pytest.raises(TooMany):
        gate._take(person, 1.0)
    clock.now += 60
    for place in range(4):
        gate._take(Person(name=f"later {place}", roles=(), token_sha256="0" * 64), 1.0)
    assert sorted(gate._full_at) == [f"later {place}" for place in range(4)]


@pytest.fixture(scope="module")
def guarded(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server with an access file."""
    folder = tmp_path_factory.mktemp("guarded")
    people = {"ada": (["predict"], None), "bo": (["tune"], None), "slow": (["predict"], 0.01)}
    tokens = {name: add_person(folder / "access.json", name, roles, rate) for name, (roles, rate) in people.items()}
    variables = environment(folder, FULCRUM_BUNDLES=str(bundles), FULCRUM_ACCESS=str(folder / "access.json"))
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as running:
        yield running, tokens


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", ["screen", "presurgical", "pathway", "screen/columns"])
def test_nobody_asks_a_model_without_a_token(
    guarded: tuple[Server, dict[str, str]], path: str, way: dict[str, str]
) -> None:
    server, tokens = guarded
    people = ASKED["json"]["rows"]
    body = {"columns": {name: [row[name] for row in people] for name in people[0]}} if "/" in path else ASKED["json"]

    def asked(**headers: str) -> httpx.Response:
        return server.post(path, json=body, headers={**way, **headers})

    assert asked(authorization=f"Bearer {tokens['ada']}").status_code == 200
    refused = asked()
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.json()["error"] == "Authorization: should be Bearer and a token, got nothing."
    assert asked(authorization="Bearer nobody's").status_code == 401
    assert asked(authorization=f"Bearer {tokens['bo']}").status_code == 403
    assert tokens["ada"] not in server.log.read_text()


def test_nor_by_tensors_but_what_they_should_be_is_told_to_everybody(guarded: tuple[Server, dict[str, str]]) -> None:
    server, tokens = guarded
    version = server.scorer("screen").bundle.digest

    def asked(path: str, name: str | None) -> tuple[int, str]:
        headers = {"authorization": f"Bearer {tokens[name]}"} if name else {}
        with http.InferenceServerClient(tensors.address(server)) as client:
            try:
                client.infer("screen", SENT, model_version=path, headers=headers)
            except InferenceServerException as error:
                return int(error.status()), error.message()
        return 200, ""

    for path in ("", version):
        assert asked(path, "ada")[0] == 200
        assert asked(path, None) == (401, "Authorization: should be Bearer and a token, got nothing.")
        assert asked(path, "bo")[0] == 403
    for path in ("v2", "v2/health/ready", "v2/models/screen", f"v2/models/screen/versions/{version}/ready"):
        assert server.get(path).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_who_asks_too_often_waits(guarded: tuple[Server, dict[str, str]], way: dict[str, str]) -> None:
    server, tokens = guarded
    found = [
        server.post("screen", **ASKED, headers={**way, "authorization": f"Bearer {tokens['slow']}"}) for _ in range(2)
    ]
    assert found[-1].status_code == 429
    assert 0 < int(found[-1].headers["retry-after"]) <= 200
    assert "at most 0.01 times a second" in found[-1].json()["error"]


def test_refused_ones_are_counted(guarded: tuple[Server, dict[str, str]]) -> None:
    server, _ = guarded

    def count() -> float:
        lines = server.get("metrics").text.splitlines()
        name = 'fulcrum_requests_total{endpoint="presurgical",status="401"}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    time.sleep(4 * PAUSE_SECONDS)  # What others asked is told by then.
    before = count()
    for way in WAYS:
        server.post("presurgical", **ASKED, headers=way)
    server.post("v2/models/presurgical/infer", json={})
    for _ in range(200):
        if count() == before + 3:
            return
    pytest.fail(f"{before} became {count()}")


def test_what_comes_in_at_an_address_that_others_can_reach_is_refused_on_the_common_way() -> None:
    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("answered")(scope, receive, send)

    app = Doorway(answering, gate=Gate(Access(None)), takes={"/screen": (JSON,)})

    async def ask(host: str, path: str) -> httpx.Response:
        # It names the address that it asks as that of the server.
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}:3000") as client:
            return await client.post(path, json={})

    assert asyncio.run(ask("127.0.0.1", "/screen")).status_code == 200
    assert asyncio.run(ask("10.0.0.1", "/elsewhere")).status_code == 200
    refused = asyncio.run(ask("10.0.0.1", "/screen"))
    assert refused.status_code == 403
    assert "FULCRUM_ACCESS" in refused.json()["error"]


class Wire(asyncio.Transport):
    """A connection to an address of this machine, and what was written to it."""

    def __init__(self, host: str) -> None:
        super().__init__({"sockname": (host, 3000), "peername": ("10.9.9.9", 50_000)})
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return False


def test_and_on_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    route = Mock(wraps=Route(Mock(), Mock(), Gate(Access(None)), 100))
    route.ask = Mock()
    monkeypatch.setattr(protocol.Protocol, "routes", {b"/screen": route})

    async def ask(host: str) -> bytes:
        async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
            raise AssertionError("the common way was gone")

        spoken = protocol.Protocol(Config(nobody, lifespan="off"), ServerState(), {})
        wire = Wire(host)
        spoken.connection_made(wire)
        spoken.data_received(b"POST /screen HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        return wire.written

    assert asyncio.run(ask("127.0.0.1")) == b""
    assert route.ask.call_count == 1
    assert asyncio.run(ask("10.0.0.1")).startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert route.ask.call_count == 1
