"""The live operating point, turned over HTTP in real servers: several workers, several servers, real stores."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette

from models.scorer import Scorer
from models.turn import Setting
from serving.access import Access, add_person
from serving.change import Change
from serving.gate import Gate
from serving.live import Live
from serving.tuning import Store
from serving.turning import Turning
from tests import handmade
from tests.postgres import Postgres
from tests.running import ROOT, Server, environment, said, serving, workers

SCREEN = "operating-points/screen"
ZONE = "rule in with specificity >= 0.9, rule out with recall >= 0.95"
ROWS = handmade.rows(60, seed=11)


class Tuner:
    """Somebody who turns the point of `screen` on one server, with the token of one person."""

    def __init__(self, server: Server, token: str) -> None:
        self.server = server
        self.headers = {"authorization": f"Bearer {token}"}

    def get(self, path: str) -> httpx.Response:
        return self.server.get(path, headers=self.headers)

    def live(self) -> dict[str, Any]:
        return self.get(SCREEN).json()

    def preview(self, **asked: Any) -> httpx.Response:
        return self.server.post(f"{SCREEN}/preview", json=asked, headers=self.headers)

    def put(self, asked: Any = None, prevalence: float | None = None, **fields: Any) -> httpx.Response:
        body = {"operating_point": asked, "prevalence": prevalence, "reason": "a test"}
        given = {**body, "version": fields.pop("version", None), **fields}
        if given["version"] is None:
            given["version"] = self.live()["version"]
        return self.server.put(SCREEN, json=given, headers=self.headers)

    def turn(self, asked: Any = None, prevalence: float | None = None, **fields: Any) -> dict[str, Any]:
        """The live point after the change."""
        response = self.put(asked, prevalence, **fields)
        assert response.status_code == 200, response.text
        return response.json()

    def roll_back(self, **body: Any) -> httpx.Response:
        return self.server.post(f"{SCREEN}/roll-back", json={"reason": "a test", **body}, headers=self.headers)

    def answer(self, **asked: Any) -> dict[str, Any]:
        return said(self.ask("screen", **asked))

    def ask(self, model: str, **asked: Any) -> httpx.Response:
        return self.server.post(model, json={"rows": ROWS, **asked}, headers=self.headers)


@pytest.fixture(scope="module")
def variables(
    bundles: Path, access: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("turning")
    return environment(folder, FULCRUM_BUNDLES=str(bundles), FULCRUM_ACCESS=str(access))


@pytest.fixture(scope="module")
def asker(access: Path, variables: dict[str, str]) -> str:
    """The token of cy, who may only ask."""
    return add_person(access, "cy", ["predict"])


@pytest.fixture(scope="module")
def several(
    variables: dict[str, str], asker: str, bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with two workers."""
    log = tmp_path_factory.mktemp("log") / "several"
    with serving(variables={**variables, **workers(2)}, folder=ROOT, bundles=bundles, log=log) as running:
        yield running


@pytest.fixture
def ada(several: Server, tokens: dict[str, str]) -> Tuner:
    """Who may turn the point, which is as released when a test begins."""
    tuner = Tuner(several, tokens["ada"])
    if tuner.live()["setting"] != {"operating_point": None, "prevalence": None}:
        tuner.turn()
    return tuner


@pytest.fixture(scope="module")
def screen(several: Server) -> Scorer:
    return several.scorer("screen")


def consistent(reply: dict[str, Any]) -> bool:
    """Whether every decision follows from its probability and the thresholds of the same reply."""
    point = reply["operating_point"]
    expected = [
        (True, "positive")
        if row["probability"] >= point["threshold"]
        else (False, "negative")
        if row["probability"] < point["clear_below"]
        else (None, "indeterminate")
        for row in reply["rows"]
    ]
    return [(row["positive"], row["decision"]) for row in reply["rows"]] == expected


def refusal(response: httpx.Response) -> tuple[int, list[tuple[str, str]]]:
    """The status of a refusal and what it names; its body has the one shape of all refusals."""
    body = response.json()
    assert list(body) == ["error", "refusals"]
    assert isinstance(body["error"], str)
    assert body["error"]
    assert all(list(each) == ["path", "rule", "got"] for each in body["refusals"])
    return response.status_code, [(each["path"], each["got"]) for each in body["refusals"]]


# Per call


@pytest.mark.parametrize(
    ("asked", "setting"),
    [
        ({"operating_point": "default"}, Setting.told("default")),
        ({"operating_point": "three-way"}, Setting.told("three-way")),
        ({"operating_point": 0.3}, Setting.told(0.3)),
        ({"operating_point": 0.3, "prevalence": 0.05}, Setting.told(0.3, 0.05)),
        ({"operating_point": "recall 0.98"}, Setting.told("recall >= 0.98")),
        ({"operating_point": "recall >= 0.98", "prevalence": 0.01}, Setting.told("recall >= 0.98", 0.01)),
        ({"operating_point": ZONE, "prevalence": 0.1}, Setting.told(ZONE, 0.1)),
        (
            {"operating_point": {"kind": "Precision", "at_least": 0.8, "prevalence": 0.3}},
            Setting.told("precision >= 0.8 at prevalence 0.3"),
        ),
        (
            {"operating_point": "a miss costs 50 alarms at prevalence 0.2 %"},
            Setting.told("a miss costs 50 alarms at prevalence 0.002"),
        ),
    ],
)
def test_a_request_is_answered_at_the_point_it_asks_for(
    ada: Tuner, screen: Scorer, asked: dict[str, Any], setting: Setting
) -> None:
    reply = ada.answer(**asked)
    turned = screen.turn(setting)
    expected = screen.score_rows(ROWS, at=turned)

    assert reply["version"] is None
    assert reply["prevalence"] == turned.prevalence
    point = reply["operating_point"]
    assert (point["threshold"], point["clear_below"]) == (turned.threshold, turned.clear_below)
    assert [each["in_words"] for each in point["certificates"]] == [str(each.promise) for each in turned.certificates]
    assert point["contract"] == turned.contract
    assert [row["probability"] for row in reply["rows"]] == expected.probability.astype(float).tolist()
    assert [row["positive"] is True for row in reply["rows"]] == expected.positive.tolist()
    assert [row["positive"] is False for row in reply["rows"]] == expected.negative.tolist()
    assert consistent(reply)
    assert ada.answer()["version"] == ada.live()["version"]


@pytest.mark.parametrize("prevalence", [0.001, 0.02, 0.3])
def test_predictive_values_are_those_of_the_callers_prevalence(ada: Tuner, screen: Scorer, prevalence: float) -> None:
    reply = ada.answer(prevalence=prevalence)

    counts = screen.manifest.curve.at(screen.manifest.point.threshold)
    odds = prevalence / (1 - prevalence)
    assert reply["version"] == ada.live()["version"]
    assert reply["prevalence"] == prevalence
    for name, ratio in (
        # By Bayes' theorem in odds, from the ratios of rates as counted on the certification cases.
        ("precision", odds * (counts.hits / counts.positives) / (counts.alarms / counts.negatives)),
        ("npv", (counts.clears / counts.negatives) / (counts.misses / counts.positives) / odds),
    ):
        found = reply["operating_point"][name]
        assert found["value"] == pytest.approx(ratio / (1 + ratio))
        assert 0 <= found["low"] < found["value"] < found["high"] <= 1
        assert found["confidence"] == 0.95
    # Who is sick does not change with the place: the same people are flagged, or more by rounding.
    moved = np.array([row["positive"] for row in reply["rows"]])
    assert moved.tolist() == screen.score_rows(ROWS).positive.tolist()


def test_a_request_that_names_a_prevalence_alone_is_answered_at_the_live_point_restated(
    ada: Tuner, screen: Scorer
) -> None:
    version = ada.turn("recall >= 0.95")["version"]
    reply = ada.answer(prevalence=0.04)

    assert reply["version"] == version
    assert reply["operating_point"]["threshold"] == screen.turn(Setting.told("recall >= 0.95", 0.04)).threshold


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"operating_point": "as good as can be"}, "operating_point"),
        ({"operating_point": 1.5}, "operating_point"),
        ({"operating_point": "precision >= 0.9999 at prevalence 0.01"}, "operating_point"),
        ({"operating_point": "precision >= 0.8 at prevalence 0.3", "prevalence": 0.1}, "prevalence"),
        ({"prevalence": 0}, "prevalence"),
    ],
)
def test_a_point_that_means_nothing_is_refused_and_nobody_is_scored(
    ada: Tuner, asked: dict[str, Any], path: str
) -> None:
    status, refused = refusal(ada.ask("screen", **asked))

    assert status == 422
    assert [name for name, _ in refused] == [path]


def test_one_call_of_its_own_changes_nothing_for_the_next(ada: Tuner) -> None:
    before = ada.answer()
    ada.answer(operating_point=0.8)

    assert ada.answer() == before


# Live, in every worker and server


def test_the_first_request_after_a_change_meets_it_in_every_worker(ada: Tuner, screen: Scorer) -> None:
    for asked in (0.3, "recall >= 0.95", ZONE):
        changed = ada.turn(asked, reason="new season")
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda _: ada.answer(), range(24)))

        assert {reply["version"] for reply in replies} == {changed["version"]}
        threshold = changed["turned"]["threshold"]
        assert {reply["operating_point"]["threshold"] for reply in replies} == {threshold}
        assert threshold == screen.turn(Setting.told(asked)).threshold
        assert all(consistent(reply) for reply in replies)
    decided = {row["decision"] for row in replies[0]["rows"]}
    assert decided == {"positive", "negative", "indeterminate"}
    log = ada.server.log.read_text()
    assert all(f"[entry_service:fulcrum:{worker}]" in log for worker in (1, 2)), "only one worker was asked"


def test_a_change_says_what_it_means_and_is_read_back_by_everybody(ada: Tuner) -> None:
    before = ada.live()
    changed = ada.turn({"kind": "Recall", "at_least": 0.95}, 0.05, reason="more misses than expected")

    assert changed == ada.live()
    assert ada.get("operating-points").json()["models"][0] == changed
    assert changed["version"] == before["version"] + 1
    assert changed["setting"] == {
        "operating_point": {"kind": "Recall", "confidence": 0.95, "at_least": 0.95},
        "prevalence": 0.05,
    }
    assert (changed["changed"]["by"], changed["changed"]["reason"]) == ("ada", "more misses than expected")
    turned = changed["turned"]
    assert turned["prevalence"] == turned["figures"]["prevalence"] == 0.05
    assert turned["figures"]["recall"]["low"] < turned["figures"]["recall"]["value"]
    assert sum(turned["figures"]["per_1000"].values()) == pytest.approx(1000)
    assert changed["change_control"]["criteria"] == ["recall >= 0.7 with confidence 0.95"]
    assert ada.get("operating-points/presurgical").json()["version"] == 0


def test_another_server_on_the_same_store_follows_and_leads(
    ada: Tuner, variables: dict[str, str], bundles: Path, tokens: dict[str, str], tmp_path: Path
) -> None:
    ada.turn(0.3)
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=tmp_path / "log") as replica:
        bo = Tuner(replica, tokens["ada"])
        assert bo.live() == ada.live()
        for place, (one, other) in enumerate([(ada, bo), (bo, ada)] * 5):
            changed = one.turn(0.3 + place / 100)
            reply = other.answer()
            assert (reply["version"], reply["operating_point"]["threshold"]) == (
                changed["version"],
                changed["turned"]["threshold"],
            )
            assert consistent(reply)
        assert refusal(bo.put(0.5, version=changed["version"] - 1))[0] == 409


def test_every_reply_is_of_one_version_while_the_point_is_turned_in_a_loop(ada: Tuner) -> None:
    points: dict[int, tuple[float, float]] = {}
    stop = threading.Event()

    def remember(live: dict[str, Any]) -> None:
        points[live["version"]] = (live["turned"]["threshold"], live["turned"]["clear_below"])

    def turn() -> None:
        settings = [0.3, ZONE, "recall >= 0.95", 0.6, "three-way"]
        for place in range(40):
            remember(ada.turn(settings[place % len(settings)]))
        stop.set()

    def ask(_: int) -> list[dict[str, Any]]:
        replies = []
        with httpx.Client(base_url=ada.server.url, headers=ada.headers, timeout=60) as client:
            while not stop.is_set():
                replies.append(client.post("/screen", json={"rows": ROWS}).raise_for_status().json())
        return replies

    remember(ada.live())
    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(ask, number) for number in range(4)]
        pool.submit(turn).result()
    seen = set()
    for replies in asked:
        versions = [reply["version"] for reply in replies.result()]
        # A client keeps one connection, so one worker: what that has seen it never forgets.
        assert versions == sorted(versions)
        seen.update(versions)
        for reply in replies.result():
            point = reply["operating_point"]
            assert (point["threshold"], point["clear_below"]) == points[reply["version"]]
            assert consistent(reply)
    assert len(seen) > 5


# What is refused


def test_only_who_may_tune_turns_the_point(ada: Tuner, tokens: dict[str, str]) -> None:
    before = ada.live()
    body = {"operating_point": 0.3, "reason": "x", "version": before["version"]}
    for change, path in (("PUT", SCREEN), ("POST", f"{SCREEN}/roll-back")):
        for headers, status in (
            ({}, 401),
            ({"authorization": "Basic YTpi"}, 401),
            ({"authorization": "Bearer unknown"}, 401),
            ({"authorization": f"Bearer {tokens['bo']}"}, 403),
        ):
            sent = {**body, "to": 0} if change == "POST" else body
            response = httpx.request(change, f"{ada.server.url}/{path}", json=sent, headers=headers, timeout=60)
            assert refusal(response) == (status, [])
            assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
            assert tokens["bo"] not in response.text
    assert ada.live() == before


def test_who_is_not_known_sees_nothing_and_names_are_shown_to_who_may_see_the_history(
    ada: Tuner, tokens: dict[str, str], asker: str
) -> None:
    ada.turn(0.3, reason="told to few")
    looked_at = [SCREEN, "operating-points", f"{SCREEN}/history", "models/screen", "models/presurgical", "who"]
    for path in [*looked_at, "models/screen/groups?threshold=0.5&clear_below=0.5"]:
        for headers in ({}, {"authorization": "Bearer unknown"}):
            assert refusal(ada.server.get(path, headers=headers)) == (401, []), path
    assert refusal(ada.server.post(f"{SCREEN}/preview", json={})) == (401, [])
    bo, cy = Tuner(ada.server, tokens["bo"]), Tuner(ada.server, asker)
    assert bo.live() == ada.live()
    hidden = cy.live()["changed"]
    assert (hidden["by"], hidden["reason"], hidden["at"]) == (None, None, ada.live()["changed"]["at"])
    assert cy.get("operating-points").json()["models"][0]["changed"] == hidden
    assert bo.get(f"{SCREEN}/history").status_code == 200
    refused = cy.get(f"{SCREEN}/history")
    assert refusal(refused) == (403, [])
    assert refused.json()["error"] == "cy: should have the role audit or tune to do this, got predict."
    assert cy.get("models/screen").status_code == cy.preview(operating_point=0.3).status_code == 200
    assert cy.get("who").json() == {"name": "cy", "roles": ["predict"], "known": True}
    for path in ("", "console/main.js", "docs.json", "livez", "readyz", "metrics"):
        assert ada.server.get(path).status_code == 200, path


def test_without_an_access_file_this_machine_may_look(server: Server) -> None:
    for path in (SCREEN, f"{SCREEN}/history", "models/screen"):
        assert server.get(path).status_code == 200
    assert server.get("who").json() == {"name": None, "roles": [], "known": False}


def test_without_an_access_file_nobody_else_may(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as store:
        turning = Turning(Live(store, {}), Gate(Access(None)), max_bytes=1000)

        async def ask(host: str) -> int:
            # It names the address that it asks as that of the server.
            app = httpx.ASGITransport(Starlette(routes=turning.routes))
            async with httpx.AsyncClient(transport=app, base_url=f"http://{host}:3000") as client:
                return (await client.get("/operating-points")).status_code

        assert [asyncio.run(ask(host)) for host in ("127.0.0.1", "10.0.0.1")] == [200, 403]


def test_without_an_access_file_nobody_turns_the_point(server: Server, tokens: dict[str, str]) -> None:
    status, _ = refusal(Tuner(server, tokens["ada"]).put(0.3))

    assert status == 403
    assert server.get(SCREEN).json()["version"] == 0


@pytest.mark.parametrize(
    ("asked", "prevalence", "got"),
    [
        (0.01, None, ["threshold: should be from 0.02 to 0.9, got 0.01."]),
        (0.88, None, ["criteria.0: should be kept: recall >= 0.7"]),
        ("default", 0.01, ["prevalence: should be from 0.02 to 0.7, got 0.01."]),
        (0.99, 0.9, ["threshold: ", "prevalence: ", "criteria.0: "]),
    ],
)
def test_what_change_control_does_not_foresee_is_refused_though_it_may_be_asked_for_one_call(
    ada: Tuner, asked: Any, prevalence: float | None, got: list[str]
) -> None:
    before = ada.live()
    status, refused = refusal(ada.put(asked, prevalence))
    preview = ada.preview(operating_point=asked, prevalence=prevalence).json()

    assert status == 422
    assert {path for path, _ in refused} == {"change_control"}
    assert not preview["allowed"]
    assert preview["refused_because"] == [reason for _, reason in refused]
    assert all(any(reason.startswith(start) for _, reason in refused) for start in got)
    assert ada.live() == before
    assert consistent(ada.answer(operating_point=asked, prevalence=prevalence))


def test_a_model_that_foresees_no_change_is_not_turned(ada: Tuner) -> None:
    response = ada.server.put(
        "operating-points/presurgical",
        json={"operating_point": 0.3, "reason": "x", "version": 0},
        headers=ada.headers,
    )

    assert refusal(response) == (422, [("change_control", "The bundle foresees no change after its release.")])


def test_who_comes_too_late_is_told_the_newest_version(ada: Tuner) -> None:
    version = ada.turn(0.3)["version"]

    assert refusal(ada.put(0.4, version=version - 1)) == (409, [("version", str(version - 1))])
    assert refusal(ada.put(0.4, version=version + 1)) == (409, [("version", str(version + 1))])
    assert refusal(ada.roll_back(to=0, version=version - 1)) == (409, [("version", str(version - 1))])
    assert ada.live()["version"] == version


def test_of_many_who_decide_on_one_version_one_wins(ada: Tuner) -> None:
    version = ada.live()["version"]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda place: ada.put(0.3 + place / 100, version=version).status_code, range(8)))

    assert sorted(statuses) == [200] + [409] * 7
    assert ada.live()["version"] == version + 1


@pytest.mark.parametrize(
    ("body", "status", "paths"),
    [
        (b"", 400, ["body"]),
        (b'{"operating_point": ', 400, ["body"]),
        (b"[]", 422, ["body"]),
        (b"{}", 422, ["reason", "version"]),
        (b'{"reason": "", "version": -1}', 422, ["reason", "version"]),
        (b'{"reason": " ", "version": 0}', 409, ["version"]),
        (b'{"reason": "x", "version": true}', 422, ["version"]),
        (b'{"reason": "x", "version": "0"}', 422, ["version"]),
        (b'{"reason": 7, "version": 0}', 422, ["reason"]),
        (b'{"reason": "x", "version": 0, "threshold": 0.3}', 422, ["threshold"]),
        (b'{"reason": "x", "version": 0, "prevalence": "0.1"}', 422, ["prevalence"]),
        (b'{"reason": "x", "version": 0, "operating_point": true}', 422, ["operating_point"]),
        (b'{"reason": "x", "version": "0", "operating_point": 7}', 422, ["operating_point", "version"]),
        (b'{"reason": "x", "version": 0, "operating_point": "as good as can be"}', 422, ["operating_point"]),
        (
            b'{"reason": "x", "version": 0, "operating_point": "precision >= 0.9999 at prevalence 0.3"}',
            422,
            ["operating_point"],
        ),
        (b" " * 8_000_001, 413, ["body"]),
    ],
)
def test_a_change_that_can_not_be_read_is_refused_by_the_name_of_what_is_wrong(
    ada: Tuner, body: bytes, status: int, paths: list[str]
) -> None:
    before = ada.turn(0.3)
    got, refused = refusal(ada.server.put(SCREEN, content=body, headers=ada.headers))

    assert (got, [path for path, _ in refused]) == (status, paths)
    assert ada.live() == before


def test_a_reason_of_blanks_is_refused(ada: Tuner) -> None:
    assert refusal(ada.put(0.3, reason=" \n")) == (422, [("reason", "' \\n'")])


def test_a_contract_that_the_cases_do_not_carry_says_what_would_do(ada: Tuner) -> None:
    response = ada.preview(operating_point="recall >= 0.999")

    status, refused = refusal(response)
    assert (status, refused) == (422, [("operating_point", "recall >= 0.999 with confidence 0.95")])
    assert "more positives" in response.json()["refusals"][0]["rule"]
    assert "cannot be certified" in response.json()["error"]


def test_a_number_in_words_means_the_same_wherever_it_is_sent(ada: Tuner) -> None:
    preview = ada.preview(operating_point="0.3").json()

    assert preview["turned"]["threshold"] == ada.answer(operating_point="0.3")["operating_point"]["threshold"]
    assert preview["turned"] == ada.turn("0.3")["turned"]
    assert ada.live()["setting"]["operating_point"] == 0.3


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "operating-points/triage"),
        ("PUT", "operating-points/triage"),
        ("POST", "operating-points/triage/preview"),
        ("POST", "operating-points/triage/roll-back"),
        ("GET", "operating-points/triage/history"),
        ("GET", "models/triage"),
        ("GET", "models/triage/groups?threshold=0.5&clear_below=0.5"),
    ],
)
def test_a_model_that_is_not_there_is_named(ada: Tuner, method: str, path: str) -> None:
    body = {"reason": "x", "version": 0, "to": 0}
    if path.endswith("preview"):
        body = {}
    if method == "PUT":
        del body["to"]
    response = httpx.request(method, f"{ada.server.url}/{path}", json=body, headers=ada.headers, timeout=60)

    assert refusal(response) == (404, [("endpoint", "triage")])


def test_an_address_with_a_line_break_is_refused_in_the_same_shape(ada: Tuner) -> None:
    response = httpx.get(f"{ada.server.url}/models/a%0Ab", headers=ada.headers, timeout=60)
    assert refusal(response) == (404, [("address", "'/models/a\\nb'")])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", SCREEN, "GET, HEAD, PUT"),
        ("POST", SCREEN, "GET, HEAD, PUT"),
        ("PUT", "operating-points", "GET, HEAD"),
        ("GET", f"{SCREEN}/preview", "POST"),
        ("PUT", f"{SCREEN}/roll-back", "POST"),
        ("POST", f"{SCREEN}/history", "GET, HEAD"),
        ("POST", "models/screen", "GET, HEAD"),
        ("POST", "console/main.js", "GET, HEAD"),
        ("POST", "", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_refused_with_those_it_takes(
    ada: Tuner, method: str, path: str, allowed: str
) -> None:
    response = httpx.request(method, f"{ada.server.url}/{path}", headers=ada.headers, timeout=60)

    assert refusal(response) == (405, [("method", method)])
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("", [("threshold", "nothing"), ("clear_below", "nothing")]),
        ("threshold=0.5", [("clear_below", "nothing")]),
        ("threshold=low&clear_below=0.1", [("threshold", "'low'")]),
        ("threshold=0.5&clear_below=0.6", [("clear_below", "0.6")]),
        ("threshold=1.5&clear_below=nan", [("threshold", "1.5"), ("clear_below", "nan")]),
        ("threshold=0.5&clear_below=0.1&prevalence=0", [("prevalence", "0.0")]),
        ("threshold=0.5&clear_below=0.1&prevalence=nan", [("prevalence", "nan")]),
        ("threshold=0.5&clear_below=0.1&prevalence=x", [("prevalence", "'x'")]),
    ],
)
def test_a_question_about_subgroups_that_can_not_be_read_is_refused(
    ada: Tuner, query: str, refused: list[tuple[str, str]]
) -> None:
    assert refusal(ada.get(f"models/screen/groups?{query}")) == (422, refused)


@pytest.mark.parametrize("prevalence", ["0", "1", "nan", "many"])
def test_a_drawing_at_what_is_no_prevalence_is_refused(ada: Tuner, prevalence: str) -> None:
    status, refused = refusal(ada.get(f"models/screen?prevalence={prevalence}"))

    assert (status, refused[0][0]) == (422, "prevalence")


def test_what_is_drawn_and_counted_of_subgroups_is_sent(ada: Tuner) -> None:
    drawn = ada.get("models/screen?prevalence=0.05").json()
    groups = ada.get("models/screen/groups?threshold=0.5&clear_below=0.4").json()["groups"]

    assert (drawn["model"], drawn["prevalence"]) == ("handmade/screen", 0.05)
    assert [(group["column"], group["value"]) for group in groups] == [("eye", "left"), ("eye", "right")]
    assert all(group["recall"]["value"] > 0 for group in groups)


# History


def test_a_roll_back_is_a_new_version_and_the_history_tells_all(ada: Tuner) -> None:
    start = ada.live()["version"]
    first = ada.turn("recall >= 0.95", 0.05, reason="more misses")
    ada.turn(ZONE, reason="a third answer")
    back = ada.roll_back(to=start + 1, version=start + 2, reason="too many undecided").json()
    released = ada.roll_back(to=0, version=start + 3, reason="as it was").json()

    assert back["version"] == start + 3
    assert (back["setting"], back["turned"]) == (first["setting"], first["turned"])
    assert released["setting"] == {"operating_point": None, "prevalence": None}
    assert ada.answer()["version"] == released["version"] == start + 4
    history = ada.get(f"{SCREEN}/history").json()
    assert history["verified"] is True
    assert history["problems"] == []
    changes = history["changes"][start:]
    assert [change["version"] for change in changes] == [start + place for place in (1, 2, 3, 4)]
    assert [change["reason"] for change in changes] == [
        "more misses",
        "a third answer",
        "too many undecided",
        "as it was",
    ]
    assert changes[2]["threshold"] == changes[0]["threshold"] == first["turned"]["threshold"]
    assert len({change["hash"] for change in changes}) == 4
    assert refusal(ada.roll_back(to=start + 9, version=start + 4)) == (422, [("to", str(start + 9))])
    assert refusal(ada.roll_back(to=-1, version=start + 4)) == (422, [("to", "-1")])


def kept(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None)


def test_a_server_that_starts_again_keeps_the_point_and_a_spoiled_or_lost_store_answers_nobody(
    variables: dict[str, str], bundles: Path, tokens: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "changes.sqlite"
    own = {**variables, "FULCRUM_STORE": f"sqlite:///{file}"}
    with serving(variables=own, folder=ROOT, bundles=bundles, log=tmp_path / "log") as running:
        ada = Tuner(running, tokens["ada"])
        ada.turn(0.3, reason="first")
        ada.turn("recall >= 0.95", 0.05, reason="second")
        ended = ada.live(), ada.answer(), ada.get(f"{SCREEN}/history").json()
    with serving(variables=own, folder=ROOT, bundles=bundles, log=tmp_path / "again") as running:
        ada = Tuner(running, tokens["ada"])
        assert (ada.live(), ada.answer(), ada.get(f"{SCREEN}/history").json()) == ended
        assert ended[0]["version"] == 2

        # A byte of an older change.
        with closing(kept(file)) as connection:
            connection.execute("UPDATE operating_point_changes SET reason = 'fir5t' WHERE version = 1")
        history = ada.get(f"{SCREEN}/history").json()
        assert history["verified"] is False
        assert [problem.partition(":")[0] for problem in history["problems"]] == ["changes.0.hash"]
        assert ada.answer() == ended[1]
        assert refusal(ada.roll_back(to=1, version=2)) == (503, [])

        # A byte of the newest.
        with closing(kept(file)) as connection:
            connection.execute("UPDATE operating_point_changes SET reason = '5econd' WHERE version = 2")
        assert refusal(ada.ask("screen")) == (503, [])
        assert refusal(ada.ask("screen", operating_point=0.3)) == (503, [])
        assert refusal(ada.get(SCREEN)) == (503, [])
        assert refusal(ada.get("operating-points")) == (503, [])
        assert refusal(ada.put(0.4, version=2)) == (503, [])
        assert ada.ask("presurgical").json()["version"] == 0
        assert ada.get(f"{SCREEN}/history").json()["verified"] is False
        with closing(kept(file)) as connection:
            connection.execute("UPDATE operating_point_changes SET reason = 'second' WHERE version = 2")
        assert ada.answer() == ended[1]

        # Sound in itself, but not what its setting means.
        with closing(kept(file)) as connection:
            forged(connection, threshold=0.25)
        response = ada.ask("screen")
        assert refusal(response) == (503, [])
        assert response.json()["error"].startswith(
            "screen: version 2: threshold: should be 0.25, as when it was turned"
        )
        assert ada.turn(0.4, version=2)["version"] == ada.answer()["version"] == 3

        file.rename(file.with_name("elsewhere"))
        for response in (ada.ask("screen"), ada.ask("presurgical"), ada.get(SCREEN)):
            assert refusal(response) == (503, [])
        assert refusal(ada.put(0.5, version=3)) == (503, [])


def forged(connection: sqlite3.Connection, *, threshold: float) -> None:
    """Write another threshold into the newest change, and a hash that fits."""
    cursor = connection.execute("SELECT * FROM operating_point_changes ORDER BY version DESC LIMIT 1")
    names = [column[0] for column in cursor.description]
    fields = dict(zip(names, cursor.fetchone(), strict=True))
    fields |= {name: json.loads(fields[name]) for name in ("setting", "outcome")}
    fields["outcome"]["threshold"] = threshold
    change = Change.model_validate(fields)
    connection.execute(
        "UPDATE operating_point_changes SET outcome = ?, hash = ? WHERE version = ?",
        (json.dumps(fields["outcome"]), change.sealed(), change.version),
    )


def test_a_server_of_postgresql_is_turned_followed_and_missed_when_it_is_away(
    postgresql: Postgres, variables: dict[str, str], bundles: Path, tokens: dict[str, str], tmp_path: Path
) -> None:
    own = {**variables, "FULCRUM_STORE": postgresql.url(postgresql.new_database()), **workers(2)}
    with serving(variables=own, folder=ROOT, bundles=bundles, log=tmp_path / "log") as running:
        ada = Tuner(running, tokens["ada"])
        assert ada.answer()["version"] == 0
        for version, asked in enumerate(("recall >= 0.95", ZONE, 0.4), start=1):
            changed = ada.turn(asked)
            with ThreadPoolExecutor(8) as pool:
                replies = list(pool.map(lambda _: ada.answer(), range(16)))
            assert {reply["version"] for reply in replies} == {changed["version"]} == {version}
            assert all(consistent(reply) for reply in replies)
        assert refusal(ada.put(0.5, version=1))[0] == 409
        assert ada.roll_back(to=1, version=3).json()["version"] == 4
        history = ada.get(f"{SCREEN}/history").json()
        assert history["verified"] is True
        assert [change["version"] for change in history["changes"]] == [1, 2, 3, 4]
        postgresql.stop()
        try:
            assert refusal(ada.ask("screen")) == (503, [])
            assert refusal(ada.put(0.5, version=4)) == (503, [])
        finally:
            postgresql.start()
        assert ada.answer()["version"] == 4
