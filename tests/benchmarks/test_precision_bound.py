from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer import Typer
from typer.testing import CliRunner

from benchmarks import precision_bound
from benchmarks.precision_bound import RULES, SETTINGS, main, plain, recalls, two_bounds, worst
from tests.cases import least, most


def small(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[int, str]:
    """The command on few numbers of cases, and what it said."""
    monkeypatch.setattr(precision_bound, "SMALL", (1, 4))
    monkeypatch.setattr(precision_bound, "LARGE", ((2, 60),))
    app = Typer()
    app.command()(main)
    done = CliRunner().invoke(app, ["--out", str(folder)])
    return done.exit_code, done.output


def test_the_page_tells_every_rule_and_nothing_is_above_the_risk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = small(monkeypatch, tmp_path)
    assert code == 0, said
    text = (tmp_path / "precision-bound.md").read_text()
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        "Where care is needed",
        "What it buys",
    ]
    assert text.count("| one bound |") == 3  # two rows, and the head of the recalls
    assert "| up to 4 each (4 pairs) | two bounds |" in text


def test_a_bound_that_is_above_the_truth_too_often_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RULES, "one bound", plain)
    code, said = small(monkeypatch, tmp_path)
    assert code == 1
    assert "(2, 60): above the truth with chance 10.103324% at confidence 0.9." in said


@pytest.mark.parametrize("name", RULES)
def test_the_greatest_chance_is_that_of_a_sum_over_all_counts_at_its_place(name: str) -> None:
    cases, rule = (6, 25), RULES[name]
    found = worst(rule, cases, 0.1)
    hits, alarms = np.meshgrid(np.arange(7), np.arange(26), indexing="ij")
    above = rule(hits, alarms, cases, 0.1) >= found.caught / found.alarmed * (1 - 1e-6)
    chances = stats.binom.pmf(hits, 6, found.caught) * stats.binom.pmf(alarms, 25, found.alarmed)
    assert found.chance == pytest.approx(chances[above].sum(), rel=1e-6)


def test_two_bounds_are_scipy_s_two_at_half_the_risk_each() -> None:
    for hits, alarms in ((0, 3), (5, 0), (9, 30), (7, 4)):
        wanted = least(hits, 9, 0.975) / most(alarms, 30, 0.975)
        assert two_bounds(np.array([hits]), np.array([alarms]), (9, 30), 0.05)[0] == pytest.approx(wanted)


def test_one_bound_finds_more_of_the_sick_than_two_and_less_than_the_truth() -> None:
    for setting in SETTINGS:
        true, one, two = recalls(*setting, 300)
        assert true > one > two > 0
