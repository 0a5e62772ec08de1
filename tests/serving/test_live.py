from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from models.bundle import open_bundle
from models.errors import BadBundle, BadInput, Unreachable
from models.scorer import RELEASED, Scorer
from models.turn import Setting
from serving import live as module
from serving.live import Live
from serving.now import Now
from serving.refusals import NoEndpoint, NotForeseen
from serving.tuning import Moved, Store, StoreSpoiled
from tests.postgres import Postgres

ZONE = "rule in with specificity >= 0.9, rule out with recall >= 0.95"


@pytest.fixture(scope="module")
def scorers(bundles: Path) -> dict[str, Scorer]:
    return {name: Scorer(open_bundle(bundles / name)) for name in ("screen", "presurgical")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "changes.sqlite"


@pytest.fixture
def live(file: Path, scorers: dict[str, Scorer]) -> Iterator[Live]:
    with Store(f"sqlite:///{file}") as store:
        yield Live(store, scorers)


def turn(live: Live, asked: Any = None, prevalence: float | None = None, *, version: int) -> Now:
    setting = Setting.told(asked, prevalence)
    return live.change("screen", setting, version_seen=version, by="ada", reason=f"after {version}")


def alter(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement)


def test_before_any_change_the_released_point_is_live(live: Live, scorers: dict[str, Scorer]) -> None:
    for name, scorer in scorers.items():
        now = live.now(name)
        told = live.describe(name, now)

        assert (now.version, now.change, now.setting) == (0, None, RELEASED)
        assert now.turned.threshold == scorer.manifest.point.threshold
        assert (told.model, told.endpoint, told.bundle) == (f"handmade/{name}", name, scorer.bundle.digest)
        assert (told.version, told.setting, told.changed) == (0, RELEASED, None)
        assert told.turned.threshold == scorer.manifest.point.threshold


def test_what_was_foreseen_is_told_and_nothing_where_nothing_was(live: Live) -> None:
    foreseen = live.describe("screen", live.now("screen")).change_control

    assert foreseen is not None
    assert foreseen.model_dump() == {
        "lowest": 0.02,
        "highest": 0.9,
        "criteria": ("recall >= 0.7 with confidence 0.95",),
        "prevalence_low": 0.02,
        "prevalence_high": 0.7,
    }
    assert live.describe("presurgical", live.now("presurgical")).change_control is None


def test_a_change_holds_at_once_and_for_others_on_the_same_store(
    live: Live, file: Path, scorers: dict[str, Scorer]
) -> None:
    changed = turn(live, "recall >= 0.95", version=0)

    assert changed.version == 1
    assert changed.turned.threshold < scorers["screen"].manifest.point.threshold
    assert live.now("screen") == changed
    assert live.now("presurgical").version == 0
    with Store(f"sqlite:///{file}") as other:
        elsewhere = Live(other, scorers)
        assert elsewhere.now("screen") == changed
        assert turn(live, 0.3, version=1) == elsewhere.now("screen")
    told = live.describe("screen", live.now("screen"))
    assert told.changed is not None
    assert (told.changed.by, told.changed.reason) == ("ada", "after 1")
    assert (told.turned.threshold, told.turned.contract, told.turned.certificates) == (
        pytest.approx(0.3),
        None,
        (),
    )


def test_what_a_change_came_to_is_recorded_with_it(live: Live) -> None:
    for version, asked in enumerate(("recall >= 0.95", ZONE, 0.3, "three-way", None)):
        turn(live, asked, version=version)

    history = live.history("screen")
    assert history.verified
    assert history.problems == ()
    assert [change.in_words for change in history.changes] == [
        "recall >= 0.95 with confidence 0.95",
        "specificity >= 0.9 with confidence 0.975 and recall >= 0.95 with confidence 0.975",
        "threshold 0.3, nothing promised",
        "specificity >= 0.9 with confidence 0.975 and recall >= 0.95 with confidence 0.975",
        "recall >= 0.9 with confidence 0.95",
    ]
    assert [change.version for change in history.changes] == [1, 2, 3, 4, 5]
    assert [change.clear_below < change.threshold for change in history.changes] == [False, True, False, True, False]
    assert history.changes[4].setting == {"operating_point": None, "prevalence": None}


@pytest.mark.parametrize(
    ("asked", "prevalence", "why"),
    [
        (0.01, None, "threshold: should be from 0.02 to 0.9, got 0.01."),
        (0.95, None, "threshold: should be from 0.02 to 0.9, got 0.95."),
        (0.88, None, "criteria.0: should be kept: recall >= 0.7 with confidence 0.95: the cases carry recall >= "),
        (None, 0.01, "prevalence: should be from 0.02 to 0.7, got 0.01."),
        ("default", 0.8, "prevalence: should be from 0.02 to 0.7, got 0.8."),
    ],
)
def test_what_was_not_foreseen_is_foretold_and_refused(
    live: Live, asked: Any, prevalence: float | None, why: str
) -> None:
    preview = live.preview("screen", Setting.told(asked, prevalence))
    with pytest.raises(NotForeseen) as refused:
        turn(live, asked, prevalence, version=0)

    assert not preview.allowed
    assert any(reason.startswith(why) for reason in preview.refused_because)
    assert [refusal.got for refusal in refused.value.refusals] == list(preview.refused_because)
    assert live.now("screen").version == 0
    assert live.history("screen").changes == ()


def test_a_preview_changes_nothing(live: Live) -> None:
    preview = live.preview("screen", Setting.told("recall >= 0.95", 0.05))

    assert preview.allowed
    assert preview.refused_because == ()
    assert preview.turned.prevalence == 0.05
    assert live.now("screen").version == 0


def test_a_bundle_that_foresees_no_change_may_only_be_as_released(live: Live) -> None:
    with pytest.raises(NotForeseen, match=r"The bundle foresees no change after its release\."):
        live.change("presurgical", Setting.told("recall >= 0.9"), version_seen=0, by="ada", reason="x")
    back = live.change("presurgical", RELEASED, version_seen=0, by="ada", reason="to be sure")

    assert (back.version, back.turned) == (1, live.scorers["presurgical"].turn())


def test_a_contract_that_can_not_be_certified_or_read_changes_nothing(live: Live) -> None:
    with pytest.raises(Unreachable):
        turn(live, "precision >= 0.9999 at prevalence 0.05", version=0)
    with pytest.raises(BadInput, match="operating_point: should be a contract in words"):
        turn(live, "as good as can be", version=0)
    assert live.now("screen").version == 0


def test_who_decided_on_an_older_version_is_told_so(live: Live) -> None:
    turn(live, 0.3, version=0)

    with pytest.raises(Moved):
        turn(live, 0.4, version=0)
    assert live.now("screen").version == 1


def test_a_roll_back_is_a_new_change_to_an_old_setting(live: Live) -> None:
    first = turn(live, "recall >= 0.95", 0.05, version=0)
    turn(live, 0.3, version=1)

    again = live.roll_back("screen", 1, version_seen=2, by="bo", reason="too many misses")
    assert (again.version, again.setting, again.turned) == (3, first.setting, first.turned)
    released = live.roll_back("screen", 0, version_seen=3, by="bo", reason="as released")
    assert (released.version, released.setting) == (4, RELEASED)
    assert live.now("screen") == released
    with pytest.raises(BadInput, match=r"^to: should be a version from 0 to 4, got 5\.$"):
        live.roll_back("screen", 5, version_seen=4, by="bo", reason="x")
    with pytest.raises(Moved):
        live.roll_back("screen", 1, version_seen=3, by="bo", reason="x")
    assert [change.by for change in live.history("screen").changes] == ["ada", "ada", "bo", "bo"]


def test_an_endpoint_that_is_not_there_is_named(live: Live) -> None:
    for ask in (
        lambda: live.now("triage"),
        lambda: live.history("triage"),
        lambda: live.preview("triage", RELEASED),
        lambda: live.change("triage", RELEASED, version_seen=0, by="ada", reason="x"),
        lambda: live.roll_back("triage", 0, version_seen=0, by="ada", reason="x"),
    ):
        with pytest.raises(NoEndpoint, match=r"^endpoint: should be one of screen, presurgical, got triage\.$"):
            ask()


def test_an_altered_history_is_shown_with_what_is_wrong_and_no_setting_of_it_is_restored(
    live: Live, file: Path
) -> None:
    for version in range(3):
        turn(live, 0.3 + version / 10, version=version)
    alter(file, "UPDATE operating_point_changes SET setting = replace(setting, '0.3', '0.2') WHERE version = 1")

    history = live.history("screen")
    assert not history.verified
    assert [problem.partition(":")[0] for problem in history.problems] == ["changes.0.hash"]
    assert len(history.changes) == 3
    assert live.now("screen").version == 3
    with pytest.raises(StoreSpoiled, match=r"^changes\.0\.hash: should be "):
        live.roll_back("screen", 1, version_seen=3, by="ada", reason="x")
    assert turn(live, 0.3, version=3).version == 4


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("UPDATE operating_point_changes SET reason = 'another' WHERE version = 3", "changes.2.hash: should be "),
        ("UPDATE operating_point_changes SET reason = 'another' WHERE version = 4", "changes.3.hash: should be "),
        ("DELETE FROM operating_point_changes WHERE version = 3", "changes.2.version: should be 3, got 4"),
        ("DELETE FROM operating_point_changes WHERE version = 4", "changes.3.version: should be 4, got 5"),
        ("UPDATE operating_point_changes SET reason = 'another' WHERE version = 1", None),
        ("DELETE FROM operating_point_changes WHERE version = 1", None),
    ],
)
def test_a_roll_back_needs_its_version_and_every_change_since_as_they_were_written(
    live: Live, file: Path, statement: str, refused: str | None
) -> None:
    for version in range(5):
        turn(live, 0.3 + version / 10, version=version)
    alter(file, statement)

    if refused is None:
        # What came before stays to be found in the history; nothing of it is used.
        assert not live.history("screen").verified
        again = live.roll_back("screen", 3, version_seen=5, by="ada", reason="x")
        assert (again.version, again.setting) == (6, Setting.told(0.5))
    else:
        with pytest.raises(StoreSpoiled) as spoiled:
            live.roll_back("screen", 3, version_seen=5, by="ada", reason="x")
        assert str(spoiled.value).startswith(refused)
    # As released is no setting of the history.
    newest = live.now("screen").version
    assert live.roll_back("screen", 0, version_seen=newest, by="ada", reason="x").setting == RELEASED


def test_a_spoiled_newest_change_is_never_answered_from_an_older_one(live: Live, file: Path) -> None:
    turn(live, 0.3, version=0)
    turn(live, 0.4, version=1)
    alter(file, "UPDATE operating_point_changes SET outcome = replace(outcome, '0.4', '0.5') WHERE version = 2")

    with pytest.raises(StoreSpoiled):
        live.now("screen")


def recorded(live: Live, **fields: Any) -> None:
    """A change that is sound in itself, as another release of this program may have written it."""
    scorer = live.scorers["screen"]
    turned = scorer.turn(Setting.told(0.3))
    known = {
        "setting": {"operating_point": 0.3, "prevalence": None},
        "outcome": {
            "threshold": turned.threshold,
            "clear_below": turned.clear_below,
            "prevalence": turned.prevalence,
            "in_words": "threshold 0.3, nothing promised",
        },
    }
    given = {name: {**value, **fields.get(name, {})} for name, value in known.items()}
    live.store.append("screen", scorer.bundle.digest, version_seen=0, by="ada", reason="x", **given)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"outcome": {"threshold": 0.25}},
            "screen: version 1: threshold: should be 0.25, as when it was turned, got 0.3000000",
        ),
        (
            {"outcome": {"clear_below": 0.25}},
            "screen: version 1: clear_below: should be 0.25, as when it was turned, got 0.3000000",
        ),
        (
            {"outcome": {"prevalence": 0.25}},
            "screen: version 1: prevalence: should be 0.25, as when it was turned, got 0.594; turn it anew.",
        ),
        (
            {"setting": {"operating_point": "as good as can be"}},
            "screen: version 1: should mean what it did when it was turned, got: operating_point: should be a contract",
        ),
        (
            {"setting": {"operating_point": {"kind": "Recall", "at_least": 0.9999}}},
            "screen: version 1: should mean what it did when it was turned, got: recall >= 0.9999 with ",
        ),
        (
            {"setting": {"operating_point": {"kind": "Luck"}}},
            "screen: version 1: setting: should be one that this release of Fulcrum reads, got {'operating_point':",
        ),
    ],
)
def test_a_recorded_change_that_now_means_something_else_answers_nobody(
    live: Live, fields: dict[str, Any], text: str
) -> None:
    recorded(live, **fields)

    with pytest.raises(BadBundle) as refused:
        live.now("screen")
    assert str(refused.value).startswith(text)
    turn(live, 0.3, version=1)
    assert live.now("screen").version == 2


def test_a_history_whose_outcomes_are_no_numbers_is_refused_by_its_place(live: Live) -> None:
    recorded(live, outcome={"threshold": "low"})

    with pytest.raises(
        BadBundle, match=r"^changes\.1: should hold thresholds and a prevalence, got \{'threshold': 'low'"
    ):
        live.history("screen")


def test_a_roll_back_to_a_setting_that_can_not_be_read_is_refused(live: Live) -> None:
    recorded(live, setting={"operating_point": {"kind": "Luck"}})

    with pytest.raises(BadBundle, match=r"^screen: version 1: setting: should be one that this release"):
        live.roll_back("screen", 1, version_seen=1, by="ada", reason="x")


def test_what_is_remembered_of_changes_is_bounded_and_solved_once(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    for version in range(8):
        turn(live, 0.3 + version / 100, version=version)
        assert live.now("screen") is live.now("screen")
        assert live.now("screen").version == version + 1
        assert len(live._known) <= 3


def test_threads_that_ask_while_the_point_is_turned_get_whole_versions(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 1)

    def ask(_: int) -> list[Now]:
        return [live.now("screen") for _ in range(150)]

    with ThreadPoolExecutor(7) as pool:
        asked = [pool.submit(ask, number) for number in range(6)]
        made = {
            0: live.now("screen"),
            **{place + 1: turn(live, 0.3 + place / 100, version=place) for place in range(40)},
        }

    for answers in asked:
        versions = [now.version for now in answers.result()]
        assert versions == sorted(versions)
        assert all(now.turned.threshold == made[now.version].turned.threshold for now in answers.result())


def test_a_file_is_asked_on_the_spot_and_a_server_in_a_thread(
    live: Live, scorers: dict[str, Scorer], request: pytest.FixtureRequest
) -> None:
    turn(live, 0.3, version=0)
    assert asyncio.run(live.soon("screen")) is live.now("screen")
    postgresql: Postgres = request.getfixturevalue("postgresql")
    with Store(postgresql.url(postgresql.new_database())) as store:
        there = Live(store, scorers)
        assert asyncio.run(there.soon("screen")).version == 0
        changed = turn(there, 0.3, version=0)
        assert asyncio.run(there.soon("screen")) == changed
