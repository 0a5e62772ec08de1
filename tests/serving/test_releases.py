"""Bundles swapped over HTTP in real servers while they are asked without a pause."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.bundle import Bundle
from models.scorer import Scorer
from tests import handmade
from tests.releases import of_another_contract, released, tampered
from tests.running import ROOT, Server, environment, serving, workers

ROWS = handmade.rows(12, seed=21)
SECONDS, PAUSE = 5.0, 0.5


class Releaser:
    """Somebody who may swap the bundle of `screen`."""

    def __init__(self, server: Server, token: str) -> None:
        self.server = server
        self.headers = {"authorization": f"Bearer {token}"}

    def look(self) -> dict[str, Any]:
        return self.server.get("bundles/screen", headers=self.headers).json()

    def said(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A reason, and the version of the live bundle, unless others are given."""
        version = fields["version"] if "version" in fields else self.look()["version"]
        return {"reason": "a test", "version": version, **fields}

    def put(self, digest: str, **fields: Any) -> httpx.Response:
        body = {"bundle": digest, **self.said(fields)}
        return self.server.put("bundles/screen", json=body, headers=self.headers)

    def back(self, **fields: Any) -> httpx.Response:
        body = self.said(fields)
        return self.server.post("bundles/screen/roll-back", json=body, headers=self.headers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("releases")
    released(made / "bundles" / "screen")
    released(made / "bundles" / "presurgical", model="presurgical")
    of_another_contract(made / "releases" / "other")
    return made


@pytest.fixture(scope="module")
def second(folder: Path) -> Bundle:
    return released(folder / "releases" / "second", shift=0.25, purpose="the second")


@pytest.fixture(scope="module")
def variables(folder: Path, access: Path, tokens: dict[str, str]) -> dict[str, str]:
    there = {"FULCRUM_BUNDLES": str(folder / "bundles"), "FULCRUM_RELEASES": str(folder / "releases")}
    return environment(folder, FULCRUM_ACCESS=str(access), **there)


@pytest.fixture(scope="module")
def running() -> Iterator[ExitStack]:
    """What ends the server, once and for all."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def server(running: ExitStack, variables: dict[str, str], second: Bundle, folder: Path) -> Server:
    """Two workers; the last test ends them."""
    told = {**variables, **workers(2)}
    started = serving(variables=told, folder=ROOT, bundles=folder / "bundles", log=folder / "log")
    return running.enter_context(started)


@pytest.fixture
def ada(server: Server, tokens: dict[str, str]) -> Releaser:
    return Releaser(server, tokens["ada"])


class Asking(threading.Thread):
    """Somebody who asks over and over until told to stop, over connections that are closed now and then."""

    def __init__(self, server: Server, token: str, path: str, body: dict[str, Any], **headers: str) -> None:
        super().__init__()
        self.url, self.body = f"{server.url}/{path}", body
        self.headers = {"authorization": f"Bearer {token}", **headers}
        self.stopped = threading.Event()
        self.replies: list[tuple[int, Any]] = []

    def run(self) -> None:
        while not self.stopped.is_set():
            with httpx.Client(headers=self.headers, timeout=30, verify=False) as client:
                for _ in range(25):
                    response = client.post(self.url, json=self.body)
                    self.replies.append((response.status_code, response.json()))


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


def test_no_request_is_dropped_while_bundles_are_swapped_and_each_answer_is_of_the_bundle_it_names(
    server: Server, ada: Releaser, tokens: dict[str, str], second: Bundle
) -> None:
    begun = server.scorer("screen")
    scorers = {begun.bundle.digest: begun, second.digest: Scorer(second)}
    wanted = {digest: scorer.score_rows(ROWS).probability.tolist() for digest, scorer in scorers.items()}
    assert len({tuple(each) for each in wanted.values()}) == 2
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    # Who comes from a page of another origin is answered by BentoML.
    common = {"origin": server.url}
    asking = [
        Asking(server, tokens["ada"], "screen", {"rows": ROWS}),
        Asking(server, tokens["ada"], "screen/columns", {"columns": columns}),
        Asking(server, tokens["ada"], "screen", {"rows": ROWS}, **common),
        Asking(server, tokens["ada"], "pathway", {"rows": ROWS}),
    ]
    for each in asking:
        each.start()
    until, swaps = time.monotonic() + SECONDS, 0
    for to_second in itertools.cycle((True, False)):
        response = ada.put(second.digest) if to_second else ada.back()
        assert response.status_code == 200, response.text
        assert response.json()["live"]["bundle"] == (second.digest if to_second else begun.bundle.digest)
        swaps += 1
        if time.monotonic() > until and not to_second:
            break
        time.sleep(PAUSE)
    for each in asking:
        each.stopped.set()
    for each in asking:
        each.join()

    assert swaps >= 6
    for each in asking:
        assert Counter(status for status, _ in each.replies) == {200: len(each.replies)}
        named = Counter()
        for _, reply in each.replies:
            said = reply["screen"] if each.url.endswith("pathway") else reply
            named[said["bundle"]] += 1
            if "columns" in reply:
                found = reply["columns"]["probability"]
            else:
                found = [row.get("screen", row)["probability"] for row in reply["rows"]]
            assert found == wanted[said["bundle"]]
            assert said["operating_point"]["threshold"] == scorers[said["bundle"]].manifest.point.threshold
        assert named.keys() == wanted.keys()
    history = server.get("bundles/screen/history", headers=ada.headers).json()
    assert (history["verified"], len(history["swaps"]), history["begun"]) == (True, swaps, begun.bundle.digest)


def test_what_is_live_is_told_everywhere_and_the_rest_is_offered(server: Server, ada: Releaser, second: Bundle) -> None:
    found = ada.look()
    assert found["live"]["bundle"] == server.scorer("screen").bundle.digest
    assert {offer["folder"]: offer["compatible"] for offer in found["offers"]} == {
        "screen": True,
        "other": False,
        "second": True,
    }
    swapped = ada.put(second.digest, reason="it is better").json()
    assert (swapped["live"]["bundle"], swapped["changed"]["by"]) == (second.digest, "ada")
    for path in ("operating-points/screen", "models/screen"):
        # The other worker opens it within the next moments.
        told = (server.get(path, headers=ada.headers).json()["bundle"] for _ in range(500) if not time.sleep(0.01))
        assert second.digest in told
    assert ada.back().json()["live"]["bundle"] == server.scorer("screen").bundle.digest


def test_refusals_are_said_in_one_sentence_and_the_running_bundle_stays(
    server: Server, ada: Releaser, tokens: dict[str, str], folder: Path, second: Bundle
) -> None:
    broken = tampered(folder / "releases" / "tampered", shift=0.5)
    other = next(offer for offer in ada.look()["offers"] if offer["folder"] == "other")
    status, said = refused(ada.put(broken.digest))
    assert (status, said.partition("model.onnx: should have SHA-256")[0]) == (
        422,
        f"bundle: should be sound, got {folder / 'releases' / 'tampered'}/",
    )
    assert refused(ada.put(other["certified"]["bundle"])) == (422, "\n".join(other["why_not"]))
    assert refused(ada.put("a" * 64))[0] == 404
    assert refused(ada.put("../../etc")) == (
        422,
        "bundle: String should match pattern '^[0-9a-f]{64}$', got '../../etc'.",
    )
    assert refused(ada.put(second.digest, version=0))[0] == 409
    assert refused(Releaser(server, tokens["bo"]).put(second.digest, version=ada.look()["version"]))[0] == 403
    assert refused(Releaser(server, "nobody").back(version=0))[0] == 401
    assert refused(server.get("bundles/lungs", headers=ada.headers)) == (
        404,
        "endpoint: should be one of screen, presurgical, got lungs.",
    )
    assert refused(server.get("bundles/screen"))[0] == 401
    assert ada.look()["live"]["bundle"] == server.scorer("screen").bundle.digest


def test_a_service_that_is_ended_and_started_again_answers_from_the_bundle_that_was_swapped_in(
    ada: Releaser, running: ExitStack, variables: dict[str, str], second: Bundle
) -> None:
    assert ada.put(second.digest).status_code == 200
    running.close()
    bundles = ada.server.bundles
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=bundles.parent / "again") as again:
        ada.server = again
        reply = again.post("screen", json={"rows": ROWS}, headers=ada.headers).json()
        assert reply["bundle"] == ada.look()["live"]["bundle"] == second.digest
        assert [row["probability"] for row in reply["rows"]] == Scorer(second).score_rows(ROWS).probability.tolist()
        assert ada.back().json()["live"]["bundle"] == again.scorer("screen").bundle.digest
        reply = again.post("screen", json={"rows": ROWS}, headers=ada.headers).json()
        assert reply["bundle"] == again.scorer("screen").bundle.digest
