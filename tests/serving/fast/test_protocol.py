"""HTTP on a hot route of a real server, spoken over a bare socket."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests import handmade
from tests.running import Server, said

BODY = json.dumps({"rows": handmade.rows(3, seed=5)}).encode()
TYPED = "Content-Type: application/json"
# More than the buffers of both ends hold.
MUCH = 50_000_000


class Speaker:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.connection.settimeout(20)
        self.file = connection.makefile("rb")

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.connection.sendall(part)

    def hear(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: its status, headers and body."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return status, headers, self.file.read(int(headers["content-length"]))

    def is_ended(self) -> bool:
        return self.file.read(1) == b""


@contextmanager
def connected(server: Server) -> Iterator[Speaker]:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        yield Speaker(connection)


def post(body: bytes, *headers: str, path: str = "/screen", version: str = "1.1", length: int | None = None) -> bytes:
    lines = [f"POST {path} HTTP/{version}", "Host: here", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def without_id(body: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(body)
    read.pop("id", None)
    return read


def logged(server: Server, text: str) -> str:
    """The log, once it holds some text."""
    for _ in range(200):
        if text in (log := server.log.read_text()):
            return log
        time.sleep(0.05)
    pytest.fail(f"The log does not hold {text}.")


@pytest.fixture(scope="module")
def wanted(server: Server) -> dict[str, Any]:
    """What BentoML's own way answers, which a browser is sent."""
    headers = {"content-type": "application/json", "origin": "https://elsewhere"}
    return said(httpx.post(f"{server.url}/screen", content=BODY, headers=headers))


def test_a_request_whose_caller_records_a_trace_has_its_span_in_it(server: Server, wanted: dict[str, Any]) -> None:
    trace = {flags: f"{flags}{'ab' * 15}" for flags in ("00", "01", "03", "02")}
    spans = {flags: f"00-{name}-{'cd' * 8}-{flags}" for flags, name in trace.items()}
    with connected(server) as speaker:
        for span in [*spans.values(), "01", f"00-{'ef' * 16}-01", "x" * 100]:
            speaker.say(post(BODY, TYPED, f"Traceparent: {span}"))
            status, _, body = speaker.hear()
            assert status == 200
            assert without_id(body) == wanted

    log = server.log.read_text()
    assert [flags for flags, name in trace.items() if f"trace={name}" in log] == ["01", "03"]
    assert f"trace={trace['01']}," in log
    assert "sampled=1" in log
    assert "ef" * 16 not in log


def test_it_answers_as_the_common_way_does(server: Server, wanted: dict[str, Any]) -> None:
    with connected(server) as speaker:
        speaker.say(post(BODY, TYPED))
        status, headers, body = speaker.hear()

    assert status == 200
    assert without_id(body) == wanted
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(body))
    assert headers["date"].endswith("GMT")


@pytest.mark.parametrize(
    "headers",
    [(), ("Content-Type: application/json; charset=utf-8",), ("content-type: Application/JSON",), (TYPED, "Origin: x")],
)
def test_the_common_and_the_short_way_agree_on_what_is_json(
    server: Server, wanted: dict[str, Any], headers: tuple[str, ...]
) -> None:
    with connected(server) as speaker:
        speaker.say(post(BODY, *headers))
        status, _, body = speaker.hear()
    assert (status, without_id(body)) == (200, wanted)


def test_a_connection_is_kept_and_asked_again(server: Server, wanted: dict[str, Any]) -> None:
    with connected(server) as speaker:
        for _ in range(50):
            speaker.say(post(BODY, TYPED))
            assert without_id(speaker.hear()[2]) == wanted


def test_a_body_may_come_in_pieces_and_in_chunks(server: Server, wanted: dict[str, Any]) -> None:
    head, chunked = post(BODY, TYPED), [f"{len(BODY[:40]):x}\r\n".encode() + BODY[:40] + b"\r\n"]
    chunked += [f"{len(BODY[40:]):x}\r\n".encode() + BODY[40:] + b"\r\n", b"0\r\n\r\n"]
    first = f"POST /screen HTTP/1.1\r\nHost: here\r\n{TYPED}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with connected(server) as speaker:
        speaker.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for parts in ([head[place : place + 7] for place in range(0, len(head), 7)], [first, *chunked]):
            speaker.say(*parts)
            assert without_id(speaker.hear()[2]) == wanted


def test_many_at_once_on_one_connection_are_answered_in_their_order(server: Server, wanted: dict[str, Any]) -> None:
    bad, get = post(b"{}", TYPED), b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"
    with connected(server) as speaker:
        speaker.say(b"".join([post(BODY, TYPED), bad, get, post(BODY, TYPED), get, bad, post(BODY, TYPED)]))
        heard = [speaker.hear() for _ in range(7)]

    assert [status for status, _, _ in heard] == [200, 422, 200, 200, 200, 422, 200]
    assert [without_id(heard[place][2]) for place in (0, 3, 6)] == [wanted] * 3


@pytest.mark.parametrize("request_", [post(BODY, TYPED, "Connection: close"), post(BODY, TYPED, version="1.0")])
def test_a_connection_is_closed_where_that_is_asked(server: Server, wanted: dict[str, Any], request_: bytes) -> None:
    with connected(server) as speaker:
        speaker.say(request_)
        status, headers, body = speaker.hear()
        assert (status, without_id(body)) == (200, wanted)
        assert headers["connection"] == "close"
        assert speaker.is_ended()


def test_who_waits_to_be_told_to_send_is_told(server: Server, wanted: dict[str, Any]) -> None:
    with connected(server) as speaker:
        head, body = post(BODY, TYPED, "Expect: 100-continue")[: -len(BODY)], BODY
        speaker.say(head)
        assert speaker.file.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert speaker.file.readline() == b"\r\n"
        speaker.say(body)
        status, _, answer = speaker.hear()
    assert (status, without_id(answer)) == (200, wanted)


@pytest.mark.parametrize("headers", [(TYPED,), (TYPED, "Origin: x")])
def test_a_body_that_says_it_is_too_large_is_refused_on_both_ways(server: Server, headers: tuple[str, ...]) -> None:
    with connected(server) as speaker:
        speaker.say(post(b" " * 1_000_001, *headers))
        status, _, body = speaker.hear()
    assert status == 413
    assert json.loads(body)["error"] == "body: should hold at most 1000000 bytes, got more."


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    with connected(server) as speaker:
        speaker.say(post(b"", TYPED, length=10**12))
        assert speaker.hear()[0] == 413


def test_a_body_that_becomes_too_large_is_refused_and_the_connection_goes_on(
    server: Server, wanted: dict[str, Any]
) -> None:
    first = f"POST /screen HTTP/1.1\r\nHost: here\r\n{TYPED}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = f"{300_000:x}\r\n".encode() + b" " * 300_000 + b"\r\n"
    with connected(server) as speaker:
        speaker.say(first, *[chunk] * 4)
        assert speaker.hear()[0] == 413
        speaker.say(b"0\r\n\r\n", post(BODY, TYPED))
        assert without_id(speaker.hear()[2]) == wanted


def test_who_hangs_up_is_forgotten(server: Server, wanted: dict[str, Any]) -> None:
    for sent in (post(BODY, TYPED), post(BODY, TYPED)[:-5], post(BODY, TYPED)[:30]):
        with connected(server) as speaker:
            speaker.say(sent)
    with connected(server) as speaker:
        speaker.say(post(BODY, TYPED))
        assert without_id(speaker.hear()[2]) == wanted
    assert "Traceback" not in server.log.read_text()


def test_who_asks_and_does_not_read_is_not_read_either(server: Server, wanted: dict[str, Any]) -> None:
    """The answers that nobody takes must not pile up: once the buffers of the system are full, the server stops."""
    asked = memoryview(post(BODY, TYPED) * 1000)
    sent = 0
    with connected(server) as speaker:
        speaker.connection.setblocking(False)
        while sent < MUCH and select.select([], [speaker.connection], [], 2)[1]:
            sent += speaker.connection.send(asked[sent % len(asked) :])
    assert sent < MUCH
    trace = "5c" * 16
    with connected(server) as speaker:
        speaker.say(post(BODY, TYPED, f"Traceparent: 00-{trace}-{'cd' * 8}-01"))
        assert without_id(speaker.hear()[2]) == wanted
    # Whose answer was waiting to be taken is forgotten as well, though others were asked behind it.
    assert "Traceback" not in logged(server, trace)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /screen", 405),
        ("DELETE /screen", 405),
        ("POST /screen/", 307),
        ("POST /Screen", 404),
        ("POST /screen?x=1", 200),
        ("POST /scr%65en", 200),
    ],
)
def test_other_lines_go_the_common_way(server: Server, line: str, status: int) -> None:
    with connected(server) as speaker:
        speaker.say(f"{line} HTTP/1.1\r\nHost: here\r\n{TYPED}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        assert speaker.hear()[0] == status


def test_what_is_no_http_is_refused(server: Server) -> None:
    with connected(server) as speaker:
        speaker.say(b"POST /screen\r\n\r\n")
        assert speaker.hear()[0] == 400
        assert speaker.is_ended()


def test_both_ways_are_counted(server: Server) -> None:
    def counted() -> tuple[float, float]:
        found = {
            line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in server.get("metrics").text.splitlines()
            if line.startswith("fulcrum_")
        }
        requests = 'fulcrum_requests_total{endpoint="presurgical",status="%s"}'
        return found.get(requests % 200, 0), found.get(requests % 422, 0)

    before = counted()
    for headers in ({}, {"origin": "https://elsewhere"}):
        for path in ("presurgical", "presurgical/columns"):
            server.post(path, content=b"{}", headers={"content-type": "application/json", **headers})
        server.post("presurgical", json={"rows": handmade.rows(2)}, headers=headers)
    for _ in range(100):
        after = counted()
        if after == (before[0] + 2, before[1] + 4):
            return
    pytest.fail(f"{before} became {after}")
