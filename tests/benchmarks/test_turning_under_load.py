"""The judge of the benchmark: what a real service says passes, and any other version, bit or moment does not."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import section
from benchmarks.load import ASKED, TURNED, Answer, Reply, Turn
from benchmarks.replies import Expected, Found, Told, check, check_turns
from benchmarks.turning_under_load import BUNDLES, CANDIDATES, allowed, some_rows
from models.turn import Setting
from serving import settings
from serving.change import Change
from serving.endpoint import Endpoint
from serving.live import Live
from serving.together import Together
from serving.tuning import Store

# Of the screen. The first is turned at second 1, the next at second 2 ...; each is acknowledged half a second later.
POINTS: list[dict[str, Any]] = [
    {"operating_point": "recall >= 0.95", "prevalence": 0.05},
    {"operating_point": 0.02, "prevalence": None},
    {"operating_point": "rule in with specificity >= 0.6, rule out with recall >= 0.95", "prevalence": None},
]
ROWS = some_rows()[:2]


@dataclass
class World:
    """What a service that was turned three times said at each version, to each endpoint, and its history."""

    turns: list[Turn]
    told: dict[str, Told]
    bodies: dict[tuple[str, int], bytes]
    expected: Expected

    def judge(self, endpoint: str, version: int, *, sent: float, back: float, body: bytes | None = None) -> Found:
        said = self.bodies[endpoint, version] if body is None else body
        return check([Answer(endpoint, 1, Reply(sent, back, 200, said))], self.told, self.expected)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    read = settings.read({"FULCRUM_BUNDLES": str(BUNDLES)})
    endpoints = {name: Endpoint.open(name, read) for name in TURNED}
    together = Together.open(endpoints["screen"], endpoints["presurgical"], read)
    body = json.dumps({"rows": ROWS[1]}).encode()
    turns, bodies = [], {}
    with Store(f"sqlite:///{tmp_path_factory.mktemp('store')}/changes.sqlite") as store:
        live = Live(store, {name: endpoint.scorer for name, endpoint in endpoints.items()})
        for version, asked in enumerate([None, *POINTS]):
            if asked:
                now = live.change(
                    "screen", Setting.told(**asked), version_seen=version - 1, by="ada", reason=f"change {version}"
                )
                said = live.describe("screen", now).model_dump_json().encode()
                turns.append(Turn("screen", version - 1, asked, None, Reply(version, version + 0.5, 200, said)))
            for name, endpoint in endpoints.items():
                answered = endpoint.answer(endpoint.messages.request.read(body), live.now(name))
                bodies[name, version] = answered.model_dump_json().encode()
            both = asyncio.run(together.answer(together.request.read(body), live))
            bodies["pathway", version] = both.model_dump_json().encode()
        histories = {name: store.history(name, each.scorer.bundle.digest) for name, each in endpoints.items()}
    told = {name: Told.of(histories[name], turns if name == "screen" else []) for name in TURNED}
    return World(turns, told, bodies, Expected(BUNDLES, ROWS))


@pytest.mark.parametrize("endpoint", ASKED)
@pytest.mark.parametrize("version", range(4))
def test_what_the_service_says_at_a_version_is_right_while_that_version_holds(
    world: World, endpoint: str, version: int
) -> None:
    found = world.judge(endpoint, version, sent=version + 0.6, back=version + 0.9)
    assert (found.answers, found.rows, found.wrong, found.stale) == (1, len(ROWS[1]), [], [])


@pytest.mark.parametrize(
    ("version", "sent", "back", "stale"),
    [
        (1, 2.2, 2.4, []),  # while the second change is under way, the old ...
        (2, 2.2, 2.4, []),  # ... and the new one are both right
        (1, 2.4, 2.6, []),
        (1, 2.6, 2.7, ["/screen: screen: version 1, not of 2 to 2"]),
        (0, 2.4, 2.6, ["/screen: screen: version 0, not of 1 to 2"]),
        (3, 2.6, 2.7, ["/screen: screen: version 3, not of 2 to 2"]),
        (3, 2.6, 3.1, []),
    ],
)
def test_a_version_is_stale_once_another_was_acknowledged_before_the_request_was_sent(
    world: World, version: int, sent: float, back: float, stale: list[str]
) -> None:
    found = world.judge("screen", version, sent=sent, back=back)
    assert (found.wrong, found.stale) == ([], stale)


def step(endpoint: str, reply: dict[str, Any]) -> dict[str, Any]:
    """The part of a reply that names the version of the screen."""
    return reply["screen"] if endpoint == "pathway" else reply


def put(*path: str | int, value: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def change(reply: Any) -> None:
        for name in path[:-1]:
            reply = reply[name]
        reply[path[-1]] = value(reply[path[-1]])

    return change


def next_up(number: float) -> float:
    return math.nextafter(number, 1)


@pytest.mark.parametrize("endpoint", ["screen", "pathway"])
@pytest.mark.parametrize(
    "change",
    [
        put("version", value=lambda version: version - 1),
        put("prevalence", value=next_up),
        put("operating_point", "threshold", value=next_up),
        put("operating_point", "clear_below", value=next_up),
        put("operating_point", "contract", value=lambda _: "recall >= 0.99 with confidence 0.95"),
        put("operating_point", "certificates", value=lambda promised: promised[1:]),
        put("operating_point", "certificates", 0, "certified", value=next_up),
        put("operating_point", "precision", "low", value=next_up),
        put("operating_point", "npv", "high", value=lambda high: math.nextafter(high, 0)),
    ],
)
def test_one_bit_of_another_point_is_found(
    world: World, endpoint: str, change: Callable[[dict[str, Any]], None]
) -> None:
    reply = json.loads(world.bodies[endpoint, 3])
    change(step(endpoint, reply))
    found = world.judge(endpoint, 3, sent=2.2, back=3.2, body=json.dumps(reply).encode())
    assert len(found.wrong) == 1


@pytest.mark.parametrize(
    ("endpoint", "change"),
    [
        ("screen", put("rows", 0, "probability", value=next_up)),
        ("screen", put("rows", 0, "decision", value=lambda said: "negative" if said == "positive" else "positive")),
        ("screen", put("rows", value=lambda rows: rows[1:])),
        ("pathway", put("rows", 0, "answer", value=lambda said: "clear" if said == "refer" else "refer")),
        ("pathway", put("measured", "ppv", "value", value=next_up)),
        ("pathway", put("presurgical", "version", value=lambda version: version + 1)),
    ],
)
def test_one_row_or_figure_of_another_point_is_found(
    world: World, endpoint: str, change: Callable[[dict[str, Any]], None]
) -> None:
    reply = json.loads(world.bodies[endpoint, 3])
    change(reply)
    found = world.judge(endpoint, 3, sent=3.6, back=3.9, body=json.dumps(reply).encode())
    assert len(found.wrong) == 1


def test_the_rows_of_one_version_with_the_point_of_another_are_found(world: World) -> None:
    old, new = (json.loads(world.bodies["screen", version]) for version in (1, 2))
    half = {**new, "rows": old["rows"]}
    assert len(world.judge("screen", 2, sent=2.6, back=2.9, body=json.dumps(half).encode()).wrong) == 1


def test_an_answer_that_is_none_is_counted_as_wrong(world: World) -> None:
    lost = Answer("screen", 1, Reply(2.6, 2.9, 503, b"{}"))
    assert check([lost], world.told, world.expected).wrong == ["/screen: status 503: b'{}'"]


def test_a_history_is_right_only_with_all_that_was_acknowledged_and_nothing_else(world: World) -> None:
    turns, history = world.turns, world.told["screen"].history
    assert check_turns(turns, history, world.expected) == []
    assert check_turns(turns, history[:2], world.expected) == ["2 changes in the history, of which 3 were acknowledged"]
    swapped = [replace(turns[0], asked=POINTS[1]), *turns[1:]]
    assert [text[:8] for text in check_turns(swapped, history, world.expected)] == ["change 1"]
    again = Change.make(
        "screen",
        history[0].bundle,
        after=history[-1],
        setting=history[0].setting,
        outcome=history[0].outcome,
        by="ada",
        reason="change 4",
    )
    back = Turn(
        "screen", 3, {}, 1, replace(turns[0].reply, body=turns[0].reply.body.replace(b'"version":1', b'"version":4'))
    )
    assert check_turns([*turns, back], [*history, again], world.expected) == []
    assert len(check_turns([*turns, replace(back, to=2)], [*history, again], world.expected)) == 1


def test_many_different_settings_of_both_models_are_turned_to(world: World) -> None:
    thresholds = {
        name: {scorer.turn(Setting.told(**asked)).threshold for asked in allowed(scorer, CANDIDATES[name])}
        for name, scorer in world.expected.scorers.items()
    }
    assert len(thresholds["screen"]) >= 30
    assert len(thresholds["presurgical"]) >= 3


def test_a_section_of_a_page_is_replaced_and_what_stands_around_it_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# By hand\n\n<!-- figures -->\n<!-- end of figures -->\n\nBy hand too.\n")
    for text in ("first", "second"):
        section.write(page, "figures", f"\n{text}\n")
        assert page.read_text() == (
            f"# By hand\n\n<!-- figures -->\n\n{text}\n\n<!-- end of figures -->\n\nBy hand too.\n"
        )
    with pytest.raises(ValueError) as refused:
        section.write(page, "curves", "third")
    assert str(refused.value) == (
        f"{page}: should hold <!-- curves --> and <!-- end of curves --> once, in this order."
    )
    assert "second" in page.read_text()
