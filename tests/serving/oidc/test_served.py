"""A service that believes an issuer, over the short way, the common one and the addresses of the live point."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from serving.access import add_person
from serving.oidc.keyring import PAUSE_SECONDS
from serving.tally import PAUSE_SECONDS as POURED
from tests import handmade
from tests.issuer import AUDIENCE, Issuer, Signer, issuing
from tests.running import ROOT, Server, environment, serving
from tests.wrong_tokens import WRONG

ROWS = {"rows": handmade.rows(2)}
# The way of a browser leads through BentoML.
WAYS = ({}, {"origin": "https://elsewhere"})
POINT = "operating-points/screen"
AWAY = (500, {}, b"")
RATE = 2


class Served(NamedTuple):
    """A service, its issuer, a key of that, a token of the access file, and what was answered before it had any key."""

    server: Server
    issuer: Issuer
    signer: Signer
    own: str
    before: list[httpx.Response]

    def token(self, name: str, *roles: str, **claims: object) -> str:
        return self.signer.token(self.issuer.url, sub=name, realm_access={"roles": list(roles)}, **claims)

    def ask(self, token: str, **headers: str) -> httpx.Response:
        return self.server.post("screen", json=ROWS, headers={**headers, "authorization": f"Bearer {token}"})

    def get(self, path: str, token: str) -> httpx.Response:
        return self.server.get(path, headers={"authorization": f"Bearer {token}"})


@pytest.fixture(scope="module")
def served(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The issuer is away when the service starts, and comes later."""
    folder, signer = tmp_path_factory.mktemp("served"), Signer.new("first")
    own = add_person(folder / "access.json", "file", ["predict"])
    with issuing(signer, Signer.new("key of RS256", "RS256")) as issuer:
        issuer.instead["/keys"] = AWAY
        variables = environment(
            folder,
            FULCRUM_BUNDLES=str(bundles),
            FULCRUM_ACCESS=str(folder / "access.json"),
            FULCRUM_OIDC_ISSUER=issuer.url,
            FULCRUM_OIDC_AUDIENCE=AUDIENCE,
            FULCRUM_OIDC_ROLES_CLAIM="realm_access.roles",
            FULCRUM_RATE=str(RATE),
        )
        with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as running:
            found = Served(running, issuer, signer, own, [])
            token = found.token("early", "predict")
            found.before.extend([found.ask(token), found.ask(token, **WAYS[1]), found.get(POINT, token)])
            found.before.append(found.ask(own))
            issuer.instead.clear()
            patiently(lambda: found.get("who", token).status_code == 200)
            yield found


def patiently(done: Callable[[], bool]) -> None:
    for _ in range(200):
        if done():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to pass")


def test_without_keys_a_token_can_not_be_checked_and_those_of_the_file_can(served: Served) -> None:
    *lost, own = served.before

    for response in lost:
        assert response.status_code == 503
        assert response.headers["retry-after"] == str(int(PAUSE_SECONDS))
        assert response.json()["error"] == (
            f"{served.issuer.url}: should tell its keys, got:"
            f" {served.issuer.url}/keys: should answer itself, with status 200, got 500."
        )
    assert own.status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_a_token_of_the_issuer_asks_a_model_with_its_role(served: Served, way: dict[str, str]) -> None:
    assert served.ask(served.token(f"right {way}", "predict"), **way).status_code == 200
    refused = served.ask(served.token("tuner", "tune", "of another service"), **way)
    assert refused.status_code == 403
    assert refused.json()["error"] == "tuner: should have the role predict to do this, got tune."


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_refused_on_every_way_and_shown_nowhere(served: Served, name: str) -> None:
    make, words, _ = WRONG[name]
    token = make(served.issuer.url, served.signer)

    for response in (served.ask(token), served.ask(token, **WAYS[1]), served.get(POINT, token)):
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json() == {"error": f"Authorization: {words}.", "refusals": []}
    log = served.server.log.read_text()
    assert not any(piece in log for piece in token.split(".") if len(piece) > 8)


def test_a_token_of_a_megabyte_is_refused_before_it_is_there(served: Served) -> None:
    token = "eyJhbGci." * 120_000
    for ask in (served.ask, partial(served.ask, **WAYS[1]), partial(served.get, POINT)):
        try:
            response = ask(token)
        except httpx.TransportError:
            continue  # Who still sends when the connection is closed may hear of that alone.
        assert response.status_code == 431
        assert response.json()["error"].startswith("request: should have a line and headers of at most 65536 bytes")
    assert "eyJhbGci" not in served.server.log.read_text()


def test_who_turns_the_point_stands_in_the_history_by_name(served: Served) -> None:
    body = {"operating_point": "recall >= 0.95", "reason": "second wave", "version": 0}
    tuner, auditor, asker = (served.token(f"the {role}", role) for role in ("tune", "audit", "predict"))
    for token, status in ((asker, 403), (auditor, 403), (tuner, 200)):
        headers = {"authorization": f"Bearer {token}"}
        assert served.server.put(POINT, json=body, headers=headers).status_code == status
    (change,) = served.get(f"{POINT}/history", auditor).json()["changes"]
    assert (change["by"], change["reason"]) == ("the tune", "second wave")
    assert served.get("who", auditor).json() == {"name": "the audit", "roles": ["audit"], "known": True}
    assert served.get(POINT, auditor).json()["changed"]["by"] == "the tune"
    assert served.get(f"{POINT}/history", asker).status_code == 403
    hidden = served.get(POINT, asker).json()["changed"]
    assert (hidden["by"], hidden["reason"], hidden["at"]) == (None, None, change["at"])
    assert served.get("operating-points", asker).json()["models"][0]["changed"] == hidden


@pytest.mark.parametrize("way", WAYS)
def test_who_has_no_rate_has_that_of_the_service(served: Served, way: dict[str, str]) -> None:
    token = served.token(f"often {way}", "predict")
    found = [served.ask(token, **way) for _ in range(12 * RATE)]
    refused = [response for response in found if response.status_code == 429]

    assert refused
    assert f"should ask at most {RATE} times a second" in refused[0].json()["error"]
    assert served.ask(served.token(f"seldom {way}", "predict"), **way).status_code == 200


def test_a_new_key_is_found_and_a_flood_of_unknown_ones_does_not_reach_the_issuer(served: Served) -> None:
    second, stranger = Signer.new("second"), Signer.new("stranger")
    served.issuer.signers.append(second)
    begun, before = time.monotonic(), len(served.issuer.asked)
    token = second.token(served.issuer.url, sub="new", realm_access={"roles": ["predict"]})
    refused = served.ask(token)
    assert refused.status_code == 401
    assert 1 <= int(refused.headers["retry-after"]) <= PAUSE_SECONDS + 1
    patiently(lambda: served.ask(stranger.token(served.issuer.url)).status_code == 401 and known(served, token))
    for _ in range(50):
        served.ask(stranger.token(served.issuer.url))
    # Each question is for what the issuer says of itself, and for its keys.
    allowed = 2 * (2 + (time.monotonic() - begun) / PAUSE_SECONDS)
    assert len(served.issuer.asked) - before <= allowed


def known(served: Served, token: str) -> bool:
    return served.get("who", token).status_code == 200


def test_an_issuer_that_goes_away_is_not_missed_for_a_while(served: Served) -> None:
    served.issuer.instead["/keys"] = AWAY
    try:
        served.ask(Signer.new("unknown").token(served.issuer.url))
        asked = len(served.issuer.asked)
        patiently(lambda: len(served.issuer.asked) > asked)
        assert known(served, served.token("meanwhile", "predict"))
    finally:
        served.issuer.instead.clear()


def test_who_was_not_let_in_is_counted_by_the_reason(served: Served) -> None:
    def counted(reason: str) -> float:
        lines = served.server.get("metrics").text.splitlines()
        name = f'fulcrum_refused_total{{reason="{reason}"}}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    expired = served.token("late", "predict", exp=1)
    before = counted("expired")
    served.ask(expired)
    served.get(POINT, expired)
    patiently(lambda: counted("expired") == before + 2)
    for reason in ("algorithm", "audience", "issuer", "signature", "role", "issuer_lost", "unknown_key", "rate"):
        assert counted(reason) > 0, reason
    time.sleep(POURED)
    assert 'fulcrum_requests_total{endpoint="operating-points",status="401"}' in served.server.get("metrics").text


def test_the_document_says_how_to_be_known(served: Served) -> None:
    document = served.server.get("docs.json").json()

    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "openIdConnect": {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{served.issuer.url}/.well-known/openid-configuration",
        },
    }
    needed = {"bearer", "openIdConnect"}
    for path, method, roles in (
        ("/screen", "post", {"predict"}),
        ("/operating-points/{endpoint}", "put", {"tune"}),
        ("/operating-points/{endpoint}/history", "get", {"audit", "tune"}),
        ("/models/{endpoint}", "get", {"predict", "audit", "tune"}),
    ):
        security = document["paths"][path][method]["security"]
        assert {(scheme, *given) for each in security for scheme, given in each.items()} == {
            (scheme, role) for scheme in needed for role in roles
        }
