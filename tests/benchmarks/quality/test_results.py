from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.quality import page, results
from benchmarks.quality.picture import draw
from benchmarks.quality.runs import Run, empty, file_of, held_out
from benchmarks.quality.scoring import Steps, certified_recall_threshold
from benchmarks.quality.summary import OURS, Compared

TABLES = ("a", "b", "c", "d", "e")


def told(seed: int, apart: float) -> Run:
    random = np.random.default_rng(seed)
    sick = (np.arange(400) % 3 == 0).astype(np.int64)
    scores = 1 / (1 + np.exp(-(random.normal(size=400) + apart * sick - 1)))
    return held_out(
        "hold-out", calibration=scores[:250], calibration_sick=sick[:250], test=scores[250:], test_sick=sick[250:],
        seconds=2.0, size=2048, latency=1e-4,
    )  # fmt: skip


def bundled(seed: int, apart: float) -> Run:
    run = told(seed, apart)
    flagged = run.test >= certified_recall_threshold(run.calibration, run.calibration_sick)
    return replace(
        run, thresholds="bundle", calibration=empty(np.float64), calibration_sick=empty(np.int64), presurgical=run.test,
        flagged_screen=flagged, flagged_presurgical=np.zeros(150, dtype=bool), certified_screen=True,
        plain_latency=5e-5,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for place, table in enumerate((*TABLES, "covid_il")):
        for repeat in range(2):
            seed = 10 * place + repeat
            bundled(seed, 3.0).write(file_of(tmp_path, table, repeat, OURS))
            told(seed + 100, 1.5).write(file_of(tmp_path, table, repeat, "lr"))
    told(1, 2.0).write(file_of(tmp_path, "a", 0, "hgb"))
    return tmp_path


def test_decisions_by_hand_are_those_that_are_counted() -> None:
    run = told(0, 2.0)
    found = results.figures(run)
    flagged = run.test >= certified_recall_threshold(run.calibration, run.calibration_sick)
    sick = run.test_sick == 1
    assert found["certified_specificity"] == pytest.approx((~flagged[~sick]).mean())
    assert found["certified_screen_recall"] == pytest.approx(flagged[sick].mean())
    assert found["certified_screen_kept"] is bool(flagged[sick].mean() >= 0.95)
    assert found["brier"] == pytest.approx(np.mean((run.test - run.test_sick) ** 2))
    assert found["plain_latency"] is None


def test_a_bundle_decides_itself_and_has_nothing_naive() -> None:
    run = bundled(0, 2.0)
    found = results.figures(run)
    assert found["certified_specificity"] == results.figures(told(0, 2.0))["certified_specificity"]
    assert found["naive_specificity"] is None
    assert found["brier_mapped"] is None
    assert found["certified_presurgical_kept"] is None
    tuned = results.figures(replace(run, thresholds="tuned"))
    assert (tuned["certified_specificity"], tuned["naive_specificity"]) == (None, found["certified_specificity"])


def test_a_second_model_is_ranked_by_its_own_scores() -> None:
    run = bundled(0, 1.0)
    perfect = replace(run, presurgical=run.test_sick.astype(np.float64))
    assert results.figures(perfect)["oracle_recall"] == 1
    assert results.figures(perfect)["area"] == results.figures(run)["area"]
    assert len(Steps.of(perfect.presurgical, perfect.test_sick).hits) == 2


def test_who_has_too_few_runs_is_named_and_left_out(folder: Path) -> None:
    compared = Compared.of(results.collect(folder))
    assert compared.peers == (OURS, "lr")
    assert compared.short == {"hgb": 1}
    assert compared.tables == list(TABLES)
    assert compared.overall(OURS) < compared.overall("lr")
    assert set(compared.runs["table"]) == set(TABLES)  # the week after is told apart


def test_a_place_is_one_more_than_how_many_rank_before(folder: Path) -> None:
    compared = Compared.of(results.collect(folder))
    others = {"partial_area": {OURS: 2.0, "lr": 1.5, "hgb": 2.0, "tabm": 1.9}}
    assert replace(compared, ranks=others).place("partial_area") == 3


def test_without_ours_nothing_is_compared(folder: Path) -> None:
    others = results.collect(folder).filter(pl.col("peer") != OURS)
    with pytest.raises(ValueError) as error:
        Compared.of(others)
    assert str(error.value) == "Expected runs of fulcrum, got none: python -m benchmarks.quality --peers fulcrum."


def test_the_page_holds_what_was_measured(folder: Path, tmp_path: Path) -> None:
    compared = Compared.of(results.collect(folder))
    titles = {OURS: "Fulcrum", "lr": "logistic regression", "hgb": "HistGradientBoosting"}
    text = page.page(compared, titles)
    assert "With too few runs to be compared, and left out: HistGradientBoosting (1)." in text
    assert "By the mean of the four mean ranks Fulcrum is number 1 of 2; the next is logistic regression." in text
    rank = compared.ranks["certified_specificity"][OURS]
    line = f"Specificity at the certified threshold: mean rank {rank:.1f}, place 1 of 2; better than 1 of 1 peers,"
    assert line in text
    assert "The four mean ranks" in text
    mean = compared.mean("partial_area")[OURS]
    row = next(line for line in text.splitlines() if line.startswith("| **Fulcrum** | 1."))
    assert f"| {mean:.3f} |" in row
    apart = compared.differences("partial_area")["lr"]
    assert f"**{apart}** p={apart.p:.3f}" in text
    assert "takes 50 µs" in text
    assert "## COVID-19, tested on the week after" in text
    assert "nan" not in text
    without = replace(compared, everything=compared.everything.filter(pl.col("table") != "covid_il"))
    assert "Skipped: there is no run of it (FULCRUM_DATA names" in page.page(without, titles)


def test_a_lead_on_few_tables_is_no_sure_one(folder: Path) -> None:
    few = results.collect(folder).filter(pl.col("table").is_in(["a", "b"]))
    apart = Compared.of(few).differences("partial_area")["lr"]
    assert apart.low > 0
    assert apart.sure == 0
    whole = Compared.of(results.collect(folder)).differences("partial_area")["lr"]
    assert whole.sure == 1


def test_the_same_runs_are_drawn_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    compared, titles = Compared.of(results.collect(folder)), {OURS: "Fulcrum", "lr": "logistic regression"}
    for name in ("one.svg", "two.svg"):
        draw(compared, titles, tmp_path / name)
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn == (tmp_path / "two.svg").read_text()
    assert "logistic regression" in drawn
    assert f"Fulcrum: {compared.mean('certified_specificity')[OURS]:.3f}" in drawn


def test_a_file_that_is_being_written_is_no_run(folder: Path) -> None:
    before = results.collect(folder).height
    (folder / ".a__0__lr.npz.77.npz").write_bytes(b"half")
    assert results.collect(folder).height == before
    assert not math.isnan(results.collect(folder)["area"].sum())
