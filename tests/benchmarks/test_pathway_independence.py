from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer import Typer
from typer.testing import CliRunner

from benchmarks import pathway_independence
from benchmarks.pathway_independence import CORRELATIONS, Result, World, once
from models.joint import write_joint
from tests import two_models


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_the_truth_is_that_of_the_two_dimensional_normal_law(correlation: float) -> None:
    world = World(correlation)
    for distance in (0.0, world.distance):
        law = stats.multivariate_normal([-distance, -distance], [[1, correlation], [correlation, 1]])
        # Both scores above their limits is both negated scores below the negated limits.
        assert world.both(distance) == pytest.approx(law.cdf([-limit for limit in world.limits]), abs=1e-5)


def test_the_truth_is_what_a_million_drawn_people_show() -> None:
    world = replace(World(0.75), sick=300_000, healthy=700_000)
    found = world.draw(np.random.default_rng(0)).measure(*world.points, world.prevalence)
    truth = world.truth()
    assert found.net_sensitivity.value == pytest.approx(truth.sensitivity, abs=0.003)
    assert found.ppv.value == pytest.approx(truth.ppv, abs=0.01)
    assert found.not_cleared.value == pytest.approx(world.screened, abs=0.002)
    assert found.multiplied.net_sensitivity == pytest.approx(world.multiplied().sensitivity, abs=0.003)


def test_uncorrelated_models_may_be_multiplied_and_others_not() -> None:
    assert World(0.0).truth().ppv == pytest.approx(World(0.0).multiplied().ppv)
    assert World(0.5).multiplied().ppv > World(0.5).truth().ppv + 0.15


def test_too_many_broken_promises_are_told_from_bad_luck() -> None:
    world = World(0.5, sick=30, healthy=300)
    one = once(world, np.random.default_rng(0))
    kept, broken = replace(one, not_cleared=0.0, ppv=0.0), replace(one, not_cleared=0.0, ppv=1.0)
    assert Result(world, (broken,) * 6 + (kept,) * 94).unsound == []  # may still be chance
    assert Result(world, (broken,) * 20 + (kept,) * 80).unsound == ["PPV", "either"]


def test_a_small_run_writes_its_page_and_its_picture_and_tells_of_broken_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = two_models.bundle(tmp_path, "screen").folder.parent
    write_joint(two_models.joint(*(two_models.bundle(tmp_path, model) for model in two_models.CONTRACTS)), folder)
    monkeypatch.setattr(pathway_independence, "CORRELATIONS", (0.0, 0.9))
    app = Typer()
    app.command()(pathway_independence.main)
    asked = ["--repeats", "20", "--out", str(tmp_path), "--bundles", str(folder)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "pathway.md").read_text()
    assert "20 times each (seed 20260101), 300 sick and 3,000 healthy people are drawn" in page
    assert page.count("\n| 0.9 | ") == 2
    assert page.count("\n| test | ") == page.count("\n| certification | ") == 9
    picture = (tmp_path / "pathway.svg").read_bytes()
    assert picture.startswith(b"<?xml")
    monkeypatch.setattr(Result, "unsound", ["PPV"])
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1
    assert "Broken more often than allowed at correlation 0.9: PPV." in done.output
    assert (tmp_path / "pathway.md").read_text() == page
    assert (tmp_path / "pathway.svg").read_bytes() == picture
