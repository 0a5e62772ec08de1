"""Requests of one turn of the event loop share an inference, and each gets the answer that it would get alone."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.inputs import Inputs
from models.scorer import Scorer, Scores
from models.turn import Setting, Turned
from serving.access import Access
from serving.endpoint import Endpoint
from serving.fast.routes import Route, routes
from serving.gate import Gate
from serving.live import Live
from serving.refusals import Answer
from serving.settings import Settings
from serving.tuning import Store, StoreLost
from tests import handmade

Ask = tuple[str, dict[str, Any]]


class Counting:
    """A scorer's way of scoring, with what it was asked."""

    def __init__(self, scorer: Scorer) -> None:
        self.calls: list[int] = []
        self._score = scorer.score

    def __call__(self, people: Inputs, *, at: Turned) -> Scores:
        self.calls.append(len(people))
        return self._score(people, at=at)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/changes.sqlite") as opened:
        yield opened


@pytest.fixture
def screen(bundles: Path) -> Endpoint:
    return Endpoint.open("screen", Settings.model_validate({"FULCRUM_BUNDLES": bundles}))


@pytest.fixture
def live(screen: Endpoint, store: Store) -> Live:
    return Live(store, {"screen": screen.scorer})


@pytest.fixture
def hot(screen: Endpoint, live: Live) -> dict[str, Route]:
    return routes({"screen": screen}, live, Gate(Access(None)), max_wait=0.5)


@pytest.fixture
def counting(screen: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting(screen.scorer)
    monkeypatch.setattr(screen.scorer, "score", made)
    return made


def in_one_turn(hot: dict[str, Route], asked: list[Ask], within: Callable[[], None] = lambda: None) -> list[Answer]:
    """Ask all of it before the loop goes on, and wait for every answer."""

    async def ask() -> list[Answer]:
        loop = asyncio.get_running_loop()
        told: list[asyncio.Future[Answer]] = []
        for address, body in asked:
            told.append(loop.create_future())
            hot[address].ask(json.dumps(body).encode(), told[-1].set_result)
        within()
        return await asyncio.wait_for(asyncio.gather(*told), 10)

    return asyncio.run(ask())


def alone(hot: dict[str, Route], asked: list[Ask]) -> list[Answer]:
    return [in_one_turn(hot, [each])[0] for each in asked]


def said(answer: Answer) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(answer.body)
    read.pop("id", None)
    return {"status": answer.status, **read}


def rows(count: int, seed: int, **asked: Any) -> Ask:
    return "/screen", {"rows": handmade.rows(count, seed), **asked}


def columns(count: int, seed: int, **asked: Any) -> Ask:
    people = handmade.rows(count, seed)
    return "/screen/columns", {"columns": {name: [row[name] for row in people] for name in people[0]}, **asked}


def test_what_arrives_together_is_scored_in_one_call_and_answered_as_alone(
    hot: dict[str, Route], counting: Counting
) -> None:
    asked = [rows(1, seed) for seed in range(30)] + [columns(3, 40), rows(7, 41), columns(1, 42)]
    found = in_one_turn(hot, asked)

    assert counting.calls == [30 + 3 + 7 + 1]
    assert [said(answer) for answer in found] == [said(answer) for answer in alone(hot, asked)]
    assert {answer.status for answer in found} == {200}
    assert len({json.loads(answer.body)["id"] for answer in found}) == len(asked)


def test_a_row_gets_the_same_bits_alone_and_among_others(hot: dict[str, Route], screen: Endpoint) -> None:
    asked = [rows(1, seed) for seed in range(64)]
    found = [said(answer)["rows"][0]["probability"] for answer in in_one_turn(hot, asked)]
    wanted = [screen.scorer.score_rows(body["rows"]).probability[0] for _, body in asked]
    assert np.array(found, dtype=np.float32).tobytes() == np.array(wanted).tobytes()


def test_what_comes_in_another_turn_does_not_wait(hot: dict[str, Route], counting: Counting) -> None:
    alone(hot, [rows(1, seed) for seed in range(3)])
    assert counting.calls == [1, 1, 1]


def test_those_who_ask_for_another_point_are_answered_there(hot: dict[str, Route], counting: Counting) -> None:
    asked = [
        rows(2, 1),
        rows(2, 2, operating_point=0.3),
        rows(2, 3, prevalence=0.05),
        rows(2, 4, operating_point=0.3),
        rows(2, 5, operating_point={"kind": "Recall", "at_least": 0.95}),
    ]
    found = in_one_turn(hot, asked)

    assert sorted(counting.calls) == [2, 2, 2, 4]
    assert [said(answer) for answer in found] == [said(answer) for answer in alone(hot, asked)]
    assert [said(answer)["version"] for answer in found] == [0, None, 0, None, None]
    assert said(found[1])["operating_point"]["threshold"] == said(found[3])["operating_point"]["threshold"]


def test_one_who_is_refused_does_not_hurt_the_others(hot: dict[str, Route]) -> None:
    bad = "/screen", {"rows": [{**handmade.rows(1)[0], "age": 6e9}]}
    missing = rows(1, 2, operating_point="no such point")
    asked = [rows(1, 1), bad, missing, rows(1, 3)]
    found = in_one_turn(hot, asked)

    assert [answer.status for answer in found] == [200, 422, 422, 200]
    assert said(found[1])["error"] == "rows.0.age: should be a number from 0 to 120 years, got 6000000000.0."
    assert "no such point" in said(found[2])["error"]
    assert [said(answer) for answer in found] == [said(answer) for answer in alone(hot, asked)]


def test_one_whom_the_model_refuses_is_told_apart(
    hot: dict[str, Route], screen: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the schema of the graph were narrower than that of the request.
    read, odd = hot["/screen"].way.reader.read, np.float32(119)

    def spoiled(body: bytes) -> Any:
        plain = read(body)
        assert plain is not None
        cells = plain[0].copy()
        cells[cells[:, 0] == odd, 0] = 500
        return cells, plain[1]

    monkeypatch.setattr(hot["/screen"].way.reader, "read", spoiled)
    row = handmade.rows(1)[0]
    asked: list[Ask] = [("/screen", {"rows": [{**row, "age": age}]}) for age in (60, 119, 61)]
    found = in_one_turn(hot, asked)

    assert [answer.status for answer in found] == [200, 422, 200]
    assert said(found[1])["error"] == "rows.0: should keep the schema of the model, got a row outside it."


def test_the_point_is_the_one_that_is_live_when_they_are_scored(hot: dict[str, Route], live: Live) -> None:
    asked = [rows(1, seed) for seed in range(4)]

    def turn() -> None:
        live.change("screen", Setting(operating_point=0.3), version_seen=0, by="ada", reason="a test")

    found = in_one_turn(hot, asked, within=turn)
    assert {said(answer)["version"] for answer in found} == {1}
    assert len({said(answer)["operating_point"]["threshold"] for answer in found}) == 1


@pytest.mark.parametrize("local", [True, False])
def test_where_the_store_is_lost_nobody_is_answered(
    hot: dict[str, Route], store: Store, monkeypatch: pytest.MonkeyPatch, *, local: bool
) -> None:
    def lost(*_: object) -> None:
        raise StoreLost("store: should answer, got nothing.")

    monkeypatch.setattr(store, "current", lost)
    monkeypatch.setattr(Store, "local", property(lambda _: local))
    found = in_one_turn(hot, [rows(1, 1), columns(2, 2)])
    assert [said(answer) for answer in found] == [
        {"status": 503, "error": "store: should answer, got nothing.", "refusals": []}
    ] * 2


@pytest.mark.parametrize("local", [True, False])
def test_a_store_that_breaks_as_nobody_foresaw_keeps_nobody_waiting(
    hot: dict[str, Route], store: Store, monkeypatch: pytest.MonkeyPatch, *, local: bool
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(store, "current", broken)
    monkeypatch.setattr(Store, "local", property(lambda _: local))
    assert [answer.status for answer in in_one_turn(hot, [rows(1, 1), columns(2, 2)])] == [500, 500]


def test_a_store_that_is_elsewhere_is_asked_once_for_all(
    hot: dict[str, Route], store: Store, monkeypatch: pytest.MonkeyPatch, counting: Counting
) -> None:
    current, asked = store.current, []

    def asking(*names: str) -> Any:
        asked.append(names)
        return current(*names)

    monkeypatch.setattr(store, "current", asking)
    monkeypatch.setattr(Store, "local", property(lambda _: False))
    found = in_one_turn(hot, [rows(1, seed) for seed in range(5)])

    assert {answer.status for answer in found} == {200}
    assert (len(asked), counting.calls) == (1, [5])


def test_what_nobody_foresaw_is_a_500_for_each_and_stands_in_the_log(
    hot: dict[str, Route], screen: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, at: Turned) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(screen.scorer, "score", broken)
    with caplog.at_level(logging.ERROR):
        found = in_one_turn(hot, [rows(1, 1), rows(1, 2)])
    assert [said(answer) for answer in found] == [
        {"status": 500, "error": "The service could not answer; nothing was decided.", "refusals": []}
    ] * 2
    assert "the disk is on fire" in caplog.text


def test_who_would_wait_too_long_is_told_to_come_again_and_the_others_are_answered(
    screen: Endpoint, live: Live, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot = routes({"screen": screen}, live, Gate(Access(None)), max_wait=0.5)
    asked = [rows(10, seed) for seed in range(8)]
    assert {answer.status for answer in in_one_turn(hot, asked)} == {200}

    # As if a row had always taken 20 ms: those behind 25 rows would wait longer than half a second.
    monkeypatch.setattr(hot["/screen"].desk, "_seconds_a_row", 0.02)
    found = in_one_turn(hot, asked)
    assert [answer.status for answer in found] == [200] * 3 + [503] * 5
    assert found[-1].headers == {"Retry-After": "1"}
    assert said(found[-1])["error"] == "screen: should be asked less at once, got 30 rows that wait."
    assert counting.calls[-1] == 30
    # Somebody who is alone is always answered.
    monkeypatch.setattr(hot["/screen"].desk, "_seconds_a_row", 100.0)
    assert in_one_turn(hot, asked[:1])[0].status == 200


def test_what_a_row_takes_is_learnt_from_what_rows_took(hot: dict[str, Route], counting: Counting) -> None:
    desk = hot["/screen"].desk
    score = counting._score

    def slow(people: Inputs, *, at: Turned) -> Scores:
        time.sleep(0.002 * len(people))
        return score(people, at=at)

    counting._score = slow
    for seed in range(60):
        in_one_turn(hot, [rows(2, seed)])
    assert 0.0018 < desk._seconds_a_row < 0.02


def test_what_it_takes_to_read_a_row_is_learnt_too(hot: dict[str, Route], monkeypatch: pytest.MonkeyPatch) -> None:
    reader = hot["/screen"].way.reader
    read = reader.read

    def slow(body: bytes) -> Any:
        time.sleep(0.004)
        return read(body)

    monkeypatch.setattr(reader, "read", slow)
    for seed in range(60):
        in_one_turn(hot, [rows(2, seed), rows(2, seed)])
    assert 0.0018 < hot["/screen"].desk._seconds_a_row < 0.02


def test_a_model_of_photographs_has_no_hot_route(screen: Endpoint, live: Live) -> None:
    seeing = Endpoint(screen.scorer, screen.messages, None, max_rows=5)
    assert routes({"screen": seeing}, live, Gate(Access(None)), max_wait=0.5) == {}
