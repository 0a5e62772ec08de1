from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer import Typer
from typer.testing import CliRunner

from benchmarks import certification
from benchmarks.certification import Outcome, Result, World, worlds


def small() -> list[World]:
    """The worlds of 1:10, drawn quickly."""
    return [world for world in worlds() if world.prevalence == 0.1]


def test_the_truth_of_a_threshold_is_what_a_million_drawn_people_show() -> None:
    random = np.random.default_rng(0)
    for world in small():
        sick, healthy = random.normal(world.distance, 1, 100_000), random.normal(0, 1, 900_000)
        threshold = float(world.probability(np.array([1.53]))[0]) + 1e-6
        flagged = [world.probability(world.rounded(scores)) >= np.float32(threshold) for scores in (sick, healthy)]
        truth = world.truth(world.score(threshold))
        assert flagged[0].mean() == pytest.approx(truth.recall, abs=0.005)
        assert flagged[1].mean() == pytest.approx(truth.alarmed, abs=0.002)
        assert flagged[0].sum() / (flagged[0].sum() + flagged[1].sum()) == pytest.approx(truth.precision, abs=0.01)


def test_people_drawn_with_a_floor_are_as_many_as_without_and_score_alike_above_it() -> None:
    world = small()[0]
    curve = world.draw(np.random.default_rng(1))
    assert curve.positive_count + curve.negative_count == world.rows
    above = [
        world.draw(np.random.default_rng(seed)).at(float(world.probability(np.array([1.0]))[0])) for seed in range(60)
    ]
    alarmed = sum(counts.alarms for counts in above) / sum(counts.negatives for counts in above)
    assert alarmed == pytest.approx(stats.norm.sf(1.0), abs=0.005)


def test_the_ideal_threshold_does_exactly_what_is_asked_and_with_ties_no_less() -> None:
    for world in worlds():
        reached = world.ideal.promised(world.contract)
        if world.step is None:
            assert reached == pytest.approx(world.contract.promise.at_least, abs=1e-6)
        else:
            assert reached >= world.contract.promise.at_least


def test_flagging_all_at_the_floor_flags_everybody() -> None:
    world = small()[0]
    everybody = world.truth(world.score(float(world.probability(np.array([world.floor]))[0])))
    assert (everybody.recall, everybody.alarmed) == (1.0, 1.0)


def test_too_many_broken_promises_are_told_from_bad_luck() -> None:
    world = small()[0]
    good, bad = world.truth(0.0), world.truth(5.0)
    outcomes = [Outcome(certified=bad, naive=good)] * 15 + [Outcome(certified=good, naive=good)] * 85
    assert not Result(world, tuple(outcomes)).sound
    assert Result(world, tuple(outcomes[5:])).sound  # 10 of 95 may still be chance
    refused = replace(outcomes[0], certified=None)
    assert Result(world, (refused,) * 100).sound


def test_a_small_run_writes_its_page_and_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certification, "worlds", small)
    app = Typer()
    app.command()(certification.main)
    done = CliRunner().invoke(app, ["--repeats", "100", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "certification.md").read_text()
    assert page.count("recall 1:10, recall ≥ 0.95") == 2
    assert page.count("precision 1:10, precision ≥ 0.8") == 2
    assert "100 certifications, each on freshly drawn people" in page
    first = (tmp_path / "certification.svg").read_bytes()
    assert first.startswith(b"<?xml")


def test_the_same_seed_gives_the_same_outcomes_whatever_the_processors() -> None:
    world = small()[0]
    seeds = np.random.SeedSequence([5, 0]).spawn(4)
    (result,) = certification.run([world], repeats=4, seed=5)
    assert list(result.outcomes) == certification.repeat(world, seeds)


def test_the_same_outcomes_are_drawn_as_the_same_file(tmp_path: Path) -> None:
    results = list(certification.run(small(), repeats=20, seed=6))
    for name in ("one.svg", "two.svg"):
        certification.draw(results, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
