from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from benchmarks.certification import __main__ as command
from benchmarks.certification import mapie_way, page, picture, repeats
from benchmarks.certification.repeats import CERTIFIED, MAPIE, NAIVE, Did, Result, did, run, ways
from benchmarks.certification.world import World
from benchmarks.certification.worlds import worlds
from models.errors import NoData

RECALL, COST = (
    next(world for world in worlds() if world.name == name)
    for name in ("Recall 1:10, tied", "Cost, truly a little too dear 1:10, tied")
)
ODDS = ("1:10", "1:100", "1:1000")
GOOD, BAD = Did((0.97,), broken=False, worth=0.3), Did((0.94,), broken=True, worth=0.2)


def result(certified: list[Did | None], world: World = RECALL, **others: list[Did | None]) -> Result:
    outcomes = {CERTIFIED: certified, NAIVE: certified} | others
    return Result(world, {way: tuple(found) for way, found in outcomes.items()})


def test_too_many_broken_promises_are_told_from_bad_luck() -> None:
    assert not result([BAD] * 15 + [GOOD] * 85).sound
    assert result([BAD] * 10 + [GOOD] * 85).sound  # 10 of 95 may still be chance
    assert result([None] * 15 + [GOOD] * 85).sound


def test_a_way_that_does_better_on_the_same_people_is_seen_and_a_single_repeat_is_not_enough() -> None:
    random = np.random.default_rng(0)
    worse, better = (
        [Did((0.97,), broken=False, worth=float(worth)) for worth in random.normal(at, 0.1, 200)] for at in (0.4, 0.3)
    )
    assert result(worse, other=better).behind("other")
    assert not result(better, other=worse).behind("other")
    assert not result(better, other=better[::-1]).behind("other")
    assert not result([*worse[:1], None], other=[None, *better[:1]]).behind("other")
    more = replace(RECALL, yardstick="recall")
    assert result(better, more, other=worse).behind("other")
    # Where all repeats differ alike, no test is needed.
    assert result([GOOD] * 3, other=[BAD] * 3).behind("other")
    assert not result([BAD] * 3, other=[GOOD] * 3).behind("other")


def test_a_refusal_breaks_nothing_and_has_no_mean() -> None:
    nothing = result([None, None])
    assert nothing.broken(CERTIFIED) == 0
    assert np.isnan(nothing.worth(CERTIFIED))
    assert did(RECALL, None) is None
    assert result([GOOD, None, BAD]).worth(CERTIFIED) == pytest.approx(0.25)


def test_a_promise_that_is_truly_not_kept_is_broken_whenever_it_is_certified() -> None:
    outcomes = repeats.repeat(COST, np.random.SeedSequence(1).spawn(40))
    assert all(one.broken for outcome in outcomes for one in outcome.values() if one is not None)
    assert sum(outcome[NAIVE] is not None for outcome in outcomes) > 5
    assert result([None], COST).ideal is None


def test_one_repeat_asks_every_way_on_the_same_people() -> None:
    pytest.importorskip("mapie", reason="mapie comes with the extra `bench`")
    world = next(world for world in worlds() if world.name == "Recall 1:100, fine")
    (outcome,) = repeats.repeat(world, np.random.SeedSequence(2).spawn(1))
    assert list(outcome) == [CERTIFIED, NAIVE, *MAPIE]
    # Its default thresholds have none low enough but 0.
    assert outcome["MAPIE, default"] == Did((1.0,), broken=False, worth=1.0)


def test_the_same_seed_gives_the_same_outcomes_whatever_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "CHUNK", 2)
    (found,) = run([COST], repeats=4, seed=5, processes=2)
    again = repeats.repeat(COST, np.random.SeedSequence([5, 0]).spawn(4))
    assert [{way: found.outcomes[way][place] for way in ways(COST)} for place in range(4)] == again


def small() -> list[World]:
    """Every rule, quickly drawn."""
    return [world for world in worlds() if world.odds == "1:10" and world.scores == "fine"]


def test_a_small_run_writes_its_page_and_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mapie", reason="mapie comes with the extra `bench`")
    monkeypatch.setattr(command, "worlds", small)
    app = Typer()
    app.command()(command.main)
    done = CliRunner().invoke(app, ["--repeats", "10", "--out", str(tmp_path), "--processes", "1"])
    assert done.exit_code == 0, done.output
    assert "Nothing wrong in 13 times 10 certifications." in done.output
    text = (tmp_path / "certification.md").read_text()
    assert "Each line below is 10 certifications, each on freshly drawn people (seed 20260101)" in text
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [*page.ABOUT, "How MAPIE was asked"]
    assert text.count("| 1:10 | fine | 3,000 (300) |") == 10
    assert text.count("beside that of MAPIE 1.6.0, fine scores:") == 3
    assert "nan" not in text
    assert (tmp_path / "certification.svg").read_bytes().startswith(b"<?xml")


def test_mapie_is_asked_what_it_knows_where_scores_are_fine() -> None:
    asked = {world.name: ways(world)[2:] for world in worlds() if ways(world)[2:]}
    assert set(asked) == {f"{rule} {odds}, fine" for rule in ("Recall", "Specificity", "Precision") for odds in ODDS}
    assert asked["Recall 1:100, fine"] == asked["Specificity 1:10, fine"] == list(MAPIE)
    assert asked["Precision 1:100, fine"] == list(MAPIE)[:3]


def test_without_mapie_the_command_ends_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise NoData("mapie==1.6.0 is not installed.")

    monkeypatch.setattr(mapie_way, "mapie", missing)
    app = Typer()
    app.command()(command.main)
    done = CliRunner().invoke(app, [])
    assert (done.exit_code, done.output) == (1, "mapie==1.6.0 is not installed.\n")


def test_broken_promises_and_better_ways_end_the_command_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = next(iter(MAPIE))
    wrong = result([BAD] * 30, **{way: [replace(GOOD, worth=0.1)] * 30})
    monkeypatch.setattr(command, "run", lambda *_: iter([wrong]))
    monkeypatch.setattr(mapie_way, "mapie", lambda: None)
    app = Typer()
    app.command()(command.main)
    done = CliRunner().invoke(app, ["--out", str(tmp_path)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "Recall 1:10, tied: broken more often than allowed.",
        f"Recall 1:10, tied: worse than {way}.",
    ]
    text = (tmp_path / "certification.md").read_text()
    assert "more often than allowed in 1 of 1 lines; the most\nis 100.00% (Recall 1:10, tied)." in text
    assert "In 1 of 1 comparisons" in text


def test_what_was_found_less_often_or_broken_is_told_beside_the_figure() -> None:
    way = next(iter(MAPIE))
    text = page.page([result([GOOD] * 4, **{way: [None, GOOD, BAD, GOOD]})], 4, 1)
    assert "| 0.267 (found 75.0%, broken 25.00%) |" in text
    assert "In none of 1 comparisons" in text


def test_the_same_outcomes_are_drawn_as_the_same_file(tmp_path: Path) -> None:
    fine = replace(RECALL, population=replace(RECALL.population, tied=False))
    one = [result([GOOD, BAD, None], fine), result([GOOD, BAD, None]), result([None, None, None], COST)]
    for name in ("one.svg", "two.svg"):
        picture.draw(one, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
