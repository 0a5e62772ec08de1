from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from typer import Typer
from typer.testing import CliRunner

from benchmarks.site_prevalence import __main__ as command
from benchmarks.site_prevalence import estimating, page, retuning, weeks
from benchmarks.site_prevalence.estimating import Result, Told, em, once, where_it_does_not, where_it_holds
from benchmarks.site_prevalence.people import APART, OWN, Site, probabilities
from benchmarks.site_prevalence.retuning import CONTRACTS, Retuned, figure, released
from models.bundle import open_bundle
from models.errors import NoData
from models.prevalence import PrevalenceEstimate
from models.scorer import Scorer

SITE = Site(0.1, 2_000, 100, 900)


def test_the_model_is_right_where_both_kinds_spread_alike() -> None:
    scores = np.linspace(-2, 4, 25)
    sick, healthy = OWN * stats.norm.pdf(scores, APART), (1 - OWN) * stats.norm.pdf(scores)
    # But for the rounding to a quarter of a logit.
    assert np.abs(np.log(sick / healthy) - np.log(probabilities(scores) / (1 - probabilities(scores)))).max() < 0.13


def test_people_are_sick_as_often_and_as_otherwise_as_is_said() -> None:
    many = replace(SITE, rows=200_000, prevalence=0.5)

    def above(site: Site) -> float:
        return float((site.people(np.random.default_rng(0)) >= probabilities(np.array([1.0]))[0]).mean())

    def share(sick: float, healthy: float) -> float:
        # The lowest score that is rounded to the probability of 1.
        limit = 1.0 - 0.125 / APART
        return 0.5 * float(stats.norm.sf(limit, sick)) + 0.5 * float(stats.norm.sf(limit, healthy))

    assert above(many) == pytest.approx(share(2, 0), abs=0.01)
    assert above(replace(many, healthy_higher=0.5)) == pytest.approx(share(2, 0.5), abs=0.01)
    assert above(replace(many, sick_higher=-0.7)) == pytest.approx(share(1.3, 0), abs=0.01)
    half = 0.5 * share(2, 0) + 0.5 * share(0, 0)
    assert above(replace(many, unlike=0.5)) == pytest.approx(half, abs=0.01)


def test_the_slow_loop_ends_at_the_greatest_likelihood() -> None:
    ratios, rows = np.array([0.2, 1.0, 6.0]), np.array([70.0, 20.0, 10.0])
    shares = np.linspace(0, 1, 100_001)[1:-1]
    likelihood = rows @ np.log(shares * ratios[:, None] + 1 - shares)
    assert em(ratios, rows) == pytest.approx(shares[likelihood.argmax()], abs=2e-5)


def test_one_site_is_told_in_every_way() -> None:
    told = once(SITE, np.random.default_rng(0), slowly=True)
    assert told.ours is not None
    value, low, high = told.ours
    assert low < value < high
    assert told.em[1] - told.em[0] < high - low  # it takes the line for the truth
    assert told.flagged[0] > 0.1  # more are flagged than are sick
    assert told.apart is not None
    assert told.apart < 1e-6
    assert once(SITE, np.random.default_rng(0), slowly=False) == replace(told, apart=None)


GOOD = Told((0.1, 0.05, 0.2), trusted=True, em=(0.0, 0.2), flagged=(0.3, 0.4), apart=1e-9)
LOW, NONE = replace(GOOD, ours=(0.06, 0.05, 0.09)), replace(GOOD, ours=None, trusted=False)


def test_too_few_intervals_that_hold_the_truth_are_told_from_bad_luck() -> None:
    assert Result("1:10|60|1.0", (SITE,), (GOOD,) * 90 + (LOW,) * 10).sound
    poor = Result("1:10|60|1.0", (SITE,), (GOOD,) * 80 + (LOW,) * 20 + (NONE,) * 50)
    assert not poor.sound
    assert (poor.held, len(poor.answered)) == (80, 100)
    assert (poor.covered("em"), poor.covered("flagged")) == (1.0, 0.0)
    assert Result("x", (SITE,), (NONE,)).sound


def test_faults_are_named() -> None:
    poor = Result("poor", (SITE,), (LOW,) * 20)
    parted = Result("parted", (SITE,), (replace(GOOD, apart=0.01),) * 20)
    broken = Retuned("recall", (0.8,) * 20 + (0.95,) * 80)
    assert command.faults([poor, parted], [broken, Retuned("precision", (0.9, None))]) == [
        "poor: the interval holds the truth too rarely.",
        "parted: EM and Newton's steps part by 0.01.",
        "recall >= 0.9 with confidence 0.95: broken more often than allowed.",
    ]


@pytest.mark.parametrize("name", CONTRACTS)
def test_what_a_point_truly_does_is_what_half_a_million_people_show(name: str) -> None:
    bundle = released(name)
    logits, sick = retuning._draw(np.random.default_rng(1), 500_000, 0.5)
    columns = (retuning.SCALE * logits + retuning.OFFSETS[name])[:, None].astype(np.float32)
    positive = Scorer(bundle).score(columns).positive
    caught, alarmed = positive[sick == 1].mean(), positive[sick == 0].mean()
    share = CONTRACTS[name].prevalence_named or 0.5
    found = caught if name == "recall" else share * caught / (share * caught + (1 - share) * alarmed)
    assert figure(name, bundle.manifest) == pytest.approx(found, abs=0.005)
    assert figure(name, bundle.manifest) < CONTRACTS[name].promises[0].bound  # the released point fails there


def test_a_point_tuned_on_labels_keeps_at_a_site_what_the_released_one_breaks() -> None:
    for name in CONTRACTS:
        reached = retuning.repeat(name, np.random.SeedSequence(1).spawn(12))
        kept = [one for one in reached if one is not None]
        assert len(kept) >= 9
        assert sum(one >= CONTRACTS[name].promises[0].bound for one in kept) >= len(kept) - 2


def test_a_week_is_told_beside_its_truth() -> None:
    bundle = open_bundle(Path("models/covid/screen"))
    random = np.random.default_rng(0)
    names = [name for name in bundle.manifest.columns.names if name != "sex"]
    rows = pl.DataFrame({name: random.integers(0, 2, 400) for name in names}).with_columns(
        sex=pl.lit("female"),
        test_date=pl.Series([date(2020, 4, 1 + place % 10) for place in range(400)]),
        result=pl.Series(["positive", "negative"] * 200),
    )
    found = weeks.week(bundle, rows, (1, 7))
    assert (found.rows, found.bundle) == (280, "covid/screen")
    assert found.share == pytest.approx(rows.filter(pl.col("test_date").dt.day() <= 7)["result"].eq("positive").mean())
    assert found.recall.out_of == round(280 * found.share)


def test_a_small_run_writes_its_page_and_its_picture_and_tells_of_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> pl.DataFrame:
        raise NoData("no tests here")

    monkeypatch.setattr(weeks, "people", nowhere)
    monkeypatch.setattr(estimating, "SIZES", (200,))
    monkeypatch.setattr("models.prevalence.RESAMPLES", 50)
    app = Typer()
    app.command()(command.main)
    asked = ["--repeats", "1", "--tuned", "2", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "Without the real weeks: no tests here" in done.output
    text = (tmp_path / "site.md").read_text()
    assert "The COVID-19 tests can not be had here, so nothing real is shown." in text
    assert text.count("\n| 60 sick, ") == text.count("\n| 1,000 sick, ") == len(where_it_holds()) / 2
    assert text.count("| 3% |") >= len(where_it_does_not()) / 2
    assert (tmp_path / "site.svg").read_bytes().startswith(b"<?xml")
    monkeypatch.setattr(command, "faults", lambda holds, retuned: ["Something is wrong."])
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1
    assert done.output.endswith("Something is wrong.\n")
    assert (tmp_path / "site.md").read_text() == text


def test_the_page_says_what_was_told_of_a_week() -> None:
    measured = weeks.wilson(9, 10)
    sure = PrevalenceEstimate(value=0.05, low=0.04, high=0.06, rows=900, fit=0.4)
    lines = page._weekly(
        [
            weeks.Week("screen", (1, 7), 900, 0.049, sure, measured),
            weeks.Week("screen", (8, 14), 90, 0.1, None, measured),
        ]
    )
    assert "| screen | 1 to 7 | 900 | 0.0490 | 0.0500 [0.0400, 0.0600] | 0.4 | yes | 0.9000 [0.5958, 0.9821] |" in lines
    assert "| screen | 8 to 14 | 90 | 0.1000 | refused | - | no | 0.9000 [0.5958, 0.9821] |" in lines
