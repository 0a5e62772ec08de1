from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats
from sklearn.metrics import roc_auc_score

from training.sources import clinic
from training.sources.clinic import Clinic

# Each visit another patient, so that counts are binomial.
FREQUENT = Clinic(rows=400_000, prevalence=0.03, again=0)
EVERY = np.linspace(-2.0, 3.0, 5001)


@cache
def drawn(source: Clinic) -> tuple[pl.DataFrame, NDArray[np.float64], NDArray[np.bool_]]:
    rows = source.read().rows
    return rows, rows["true_risk"].to_numpy(), (rows["diagnosis"] == "neovascular").to_numpy()


def deviations(risk: NDArray[np.float64], sick: NDArray[np.bool_], bins: int = 10) -> NDArray[np.float64]:
    """By how many standard errors the sick of each bin of equal size differ from what their risks say."""
    parts = np.array_split(np.argsort(risk), bins)
    spread = [math.sqrt((risk[part] * (1 - risk[part])).sum()) for part in parts]
    return np.array([(sick[part].sum() - risk[part].sum()) / each for part, each in zip(parts, spread, strict=True)])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prevalence": 0.001, "rows": 1_000_000},
        {"confounding": -1.5, "seed": 3},
        {"confounding": 0.0, "seed": 4},
        {"missing": 0.0, "seed": 5},
        {"missing": 0.4, "seed": 6},
    ],
)
def test_in_every_tenth_of_the_true_risks_as_many_are_sick_as_they_say(changes: dict[str, Any]) -> None:
    _, risk, sick = drawn(FREQUENT.model_copy(update=changes))
    # At 1:1000 the lowest tenths expect next to nobody, who are no normal distribution.
    expected = np.array([risk[part].sum() for part in np.array_split(np.argsort(risk), 10)])
    assert np.abs(deviations(risk, sick)[expected > 5]).max() < 3.9
    assert abs(deviations(risk, sick, bins=1)[0]) < 3.3


def test_among_those_with_an_empty_cell_too() -> None:
    rows, risk, sick = drawn(FREQUENT)
    for name in ("acuity", "distortion", "smoking"):
        empty = rows[name].is_null().to_numpy()
        for part in (empty, ~empty):
            found = deviations(risk[part], sick[part])
            assert np.abs(found).max() < 3.9, name
            assert (found**2).sum() < stats.chi2.ppf(0.9999, 10), name


def test_among_the_old_who_smoke_and_under_each_light_too() -> None:
    rows, risk, sick = drawn(FREQUENT)
    for part in (
        (rows["age"] > 75) & (rows["smoking"] == "current"),
        rows["brightness"] > 130,
        rows["brightness"] < 115,
        rows["brightness"].is_between(118, 132),
        rows["drusen"] > 1,
    ):
        chosen = part.fill_null(value=False).to_numpy()
        assert chosen.sum() > 5000
        assert np.abs(deviations(risk[chosen], sick[chosen])).max() < 3.9


def slow(row: dict[str, Any], source: Clinic) -> float:
    """The chance by going through all that is not seen, the acuity by quadrature; one row at a time."""
    level = math.log(source._chances()[0, 0, 18] / (1 - source._chances()[0, 0, 18])) + source.confounding

    def density(value: float, middle: float, spread: float) -> float:
        return float(stats.norm.pdf(value, middle, spread))

    def tells(acuity: float) -> float:
        return float(stats.norm.cdf((0.45 - acuity) / 0.15)) if source.missing else 1.0

    not_told = np.array(1 - stats.norm.cdf((0.45 - EVERY) / 0.15))
    together = [0.0, 0.0]
    old = (0.2, -1.0, 0), (0.2, -0.8, 0), (0.2, -0.6, 0)
    for size, leaning, new in (*old, (0.15, 0.8, 1), (0.15, 1.0, 1), (0.1, 1.2, 1)):
        for habit, share, logit in (("never", 0.5, 0.0), ("former", 0.3, 0.3), ("current", 0.2, 0.9)):
            if row["smoking"] not in {habit, None}:
                continue
            whole = level + source.confounding * leaning + logit + 0.8 * (row["age"] - 68) / 10
            chance = 1 / (1 + math.exp(-whole))
            for kind in (0, 1):
                middle, spread = ((0.15, 0.07), (0.29, 0.13))[kind]
                middle += 0.03 * (row["age"] - 68) / 10
                if row["acuity"] is None:
                    seen = float(np.trapezoid(stats.norm.pdf(EVERY, middle, spread) * not_told, EVERY))
                else:
                    seen = density(row["acuity"], middle, spread) * tells(row["acuity"])
                if row["distortion"] is not None:
                    bent = (0.04, 0.6)[kind]
                    seen *= bent if row["distortion"] else 1 - bent
                seen *= density(math.log(row["drusen"]), (-1.0, 0.0)[kind], 0.6)
                seen *= density(row["thickness"] - 20 * new, (270, 312)[kind], (18, 36)[kind])
                seen *= density(row["brightness"] - 30 * new, 110, 9)
                together[kind] += size * share * (chance if kind else 1 - chance) * seen
    return together[1] / sum(together)


@pytest.mark.parametrize("source", [FREQUENT, FREQUENT.model_copy(update={"missing": 0.0, "confounding": -0.7})])
def test_a_true_risk_is_what_a_slow_sum_over_everything_unseen_gives(source: Clinic) -> None:
    rows, risk, sick = drawn(source)
    empty = rows.select(pl.any_horizontal(pl.col("acuity", "smoking", "distortion").is_null())).to_series().to_numpy()
    chosen = np.concatenate([np.flatnonzero(some)[:25] for some in (sick & empty, sick & ~empty, empty, ~empty)])
    again = [slow(row, source) for row in rows[chosen].iter_rows(named=True)]
    assert len(again) >= 50
    np.testing.assert_allclose(risk[chosen], again, rtol=1e-5)


def test_no_model_ranks_better_than_the_true_risk_and_that_area_follows_from_the_risks_alone() -> None:
    rows, risk, sick = drawn(FREQUENT)
    found = roc_auc_score(sick, risk)
    order = np.argsort(risk)
    ill, well = risk[order], 1 - risk[order]
    ceiling = float((ill * (np.cumsum(well) - well / 2)).sum() / (ill.sum() * well.sum()))
    # Hanley & McNeil 1982, at its widest.
    assert abs(found - ceiling) < 4 * math.sqrt(ceiling * (1 - ceiling) / sick.sum())
    assert 0.97 < ceiling < 0.995
    for name, sign in (("thickness", 1), ("drusen", 1), ("age", 1), ("brightness", 1), ("pressure", 1)):
        assert roc_auc_score(sick, sign * rows[name].to_numpy()) < found - 0.05
    jittered = np.log(risk) + 0.5 * np.random.default_rng(0).normal(size=len(risk))
    assert roc_auc_score(sick, jittered) < found


def test_recall_and_specificity_of_a_perfect_model_follow_from_the_risks_alone() -> None:
    _, risk, sick = drawn(FREQUENT)
    for threshold in (0.01, 0.05, 0.2, 0.5, 0.9):
        flagged = risk >= threshold
        for part, chance in ((sick, risk), (~sick, 1 - risk)):
            expected = chance[flagged].sum() / chance.sum()
            spread = math.sqrt(expected * (1 - expected) / part.sum())
            assert abs(flagged[part].mean() - expected) < 4 * spread


def test_as_many_patients_are_sick_as_is_asked_for() -> None:
    for source in (Clinic(rows=1_000_000, again=0), FREQUENT, FREQUENT.model_copy(update={"confounding": 3.0})):
        _, _, sick = drawn(source)
        expected = source.rows * source.prevalence
        assert abs(sick.sum() - expected) < 4 * math.sqrt(expected)


def test_visits_of_a_patient_share_the_disease_and_what_does_not_change() -> None:
    source = Clinic(rows=50_000, prevalence=0.1, again=1.5)
    rows, _, _ = drawn(source)
    by_patient = rows.group_by("patient_id").agg(
        pl.col("diagnosis", "site", "camera", "age").n_unique(),
        pl.col("smoking", "distortion").drop_nulls().n_unique(),
        pl.col("visit").sort(),
        pl.len().alias("visits"),
        pl.col("date").sort_by("visit").diff().drop_nulls().dt.total_days().alias("between"),
    )
    assert by_patient.select(pl.col("diagnosis", "site", "camera", "age").max()).row(0) == (1, 1, 1, 1)
    assert by_patient.select(pl.col("smoking", "distortion").max()).row(0) == (1, 1)
    assert (by_patient["visit"] == by_patient["visits"].map_elements(lambda n: list(range(n)), pl.List(pl.Int64))).all()
    assert by_patient["between"].explode().drop_nulls().unique().to_list() == [180]
    # Poisson: 1.5 further visits on average.
    assert abs(by_patient["visits"].mean() - 2.5) < 4 * math.sqrt(1.5 / by_patient.height)
    assert drawn(FREQUENT)[0]["patient_id"].is_unique().all()


def test_what_is_measured_of_one_patient_is_alike_from_visit_to_visit() -> None:
    rows, _, _ = drawn(Clinic(rows=50_000, prevalence=0.1, again=1.5))
    first, second = (rows.filter(pl.col("visit") == visit, diagnosis="none") for visit in (0, 1))
    pairs = first.join(second, on="patient_id").filter(pl.col("camera") == "old")
    for name in ("thickness", "brightness", "pressure"):
        assert abs(np.corrcoef(pairs[name], pairs[f"{name}_right"])[0, 1] - 0.7) < 0.03


def test_the_sick_come_to_sites_with_the_new_camera_as_far_as_they_are_asked_to() -> None:
    def odds(confounding: float) -> float:
        rows, _, sick = drawn(FREQUENT.model_copy(update={"confounding": confounding}))
        new = (rows["camera"] == "new").to_numpy()
        return float(sick[new].mean() / sick[~new].mean())

    assert odds(1.0) > 3
    assert 0.9 < odds(0.0) < 1.1
    assert odds(-1.0) < 1 / 3
    rows, _, _ = drawn(FREQUENT)
    cameras = rows.group_by("site").agg(pl.col("camera").unique()).explode("camera")
    assert dict(cameras.iter_rows()) == {
        "north": "old", "east": "old", "coast": "old", "city": "new", "valley": "new", "south": "new",
    }  # fmt: skip


def test_the_camera_shifts_brightness_and_thickness_and_nothing_else() -> None:
    rows, _, sick = drawn(FREQUENT)
    healthy = rows.filter(~sick)
    old, new = (healthy.filter(pl.col("camera") == camera) for camera in ("old", "new"))
    for name, by, spread in (("brightness", 30, 9), ("thickness", 20, 18), ("pressure", 0, 2.4), ("acuity", 0, 0.07)):
        assert abs(new[name].mean() - old[name].mean() - by) < 5 * spread / math.sqrt(100_000), name


def test_cells_are_empty_at_random_more_of_the_old_and_more_of_those_who_see_badly() -> None:
    rows, _, sick = drawn(FREQUENT)
    share = {name: rows[name].is_null() for name in ("smoking", "distortion", "acuity")}
    assert abs(share["distortion"].mean() - 0.1) < 0.003
    assert abs(share["distortion"].filter(sick).mean() - 0.1) < 0.02
    young, old = ((rows["age"] < 60), (rows["age"] > 76))
    assert share["smoking"].filter(old).mean() > 1.8 * share["smoking"].filter(young).mean()
    assert share["acuity"].filter(sick).mean() > 4 * share["acuity"].filter(~sick).mean()
    # A third of the volumes was not measured; everything else is told.
    told = ("age", "drusen", "thickness", "brightness", "pressure", "severity", "haemorrhages", "new_vessels")
    assert rows.select(pl.col(told).null_count()).row(0) == (0,) * 8
    assert abs(rows["fluid"].is_null().mean() - 0.3) < 0.01
    without, _, _ = drawn(FREQUENT.model_copy(update={"missing": 0.0, "seed": 5}))
    assert without.drop("fluid").null_count().row(0) == (0,) * (without.width - 1)


def test_what_graders_add_goes_with_the_disease_and_with_what_is_measured() -> None:
    rows, _, sick = drawn(FREQUENT)
    for name in ("new_vessels", "haemorrhages", "severity", "fluid"):
        assert roc_auc_score(sick[rows[name].is_not_null()], rows[name].drop_nulls()) > 0.75, name
    ill = rows.filter(sick)
    assert ill["severity"].unique().sort().to_list() == [1, 2, 3]
    for name, by in (("severity", "thickness"), ("fluid", "thickness"), ("haemorrhages", "drusen")):
        some = ill.drop_nulls(name)
        assert stats.spearmanr(some[name], some[by]).statistic > 0.15, name


def test_the_same_fields_give_the_same_clinic_and_others_another() -> None:
    source = Clinic(rows=1000, prevalence=0.1)
    first = source.read()
    again = source.read()
    assert first.rows.equals(again.rows)
    assert first.digests == again.digests
    assert list(first.digests) == ["simulated clinic"]
    changes: list[dict[str, Any]] = [
        {"rows": 1001}, {"seed": 1}, {"prevalence": 0.11}, {"again": 0.4}, {"confounding": 0.9}, {"missing": 0.0},
    ]  # fmt: skip
    digests = {source.model_copy(update=change).read().digests["simulated clinic"] for change in changes}
    assert len({*digests, first.digests["simulated clinic"]}) == 7


@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
def test_there_are_as_many_rows_as_are_asked_for(rows: int) -> None:
    table = Clinic(rows=rows, again=2.0).read().rows
    assert table.height == rows
    assert table["patient_id"].unique().sort().to_list() == list(range(table["patient_id"].n_unique()))


def test_the_risk_of_another_clinic_s_people_is_told_too() -> None:
    here, there = FREQUENT, FREQUENT.model_copy(update={"confounding": -1.0})
    rows, risk, sick = drawn(there)
    np.testing.assert_array_equal(there.risk(rows), risk)
    assert roc_auc_score(sick, here.risk(rows)) < roc_auc_score(sick, risk) - 0.003


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("rows", 0, "Input should be greater than or equal to 1"),
        ("prevalence", 0, "Input should be greater than 0"),
        ("prevalence", 1, "Input should be less than 1"),
        ("again", -1, "Input should be greater than or equal to 0"),
        ("missing", 0.5, "Input should be less than 0.5"),
        ("colour", 1, "Extra inputs are not permitted"),
    ],
)
def test_a_clinic_that_can_not_be_is_refused(field: str, value: float, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Clinic.model_validate({field: value})
    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [((field,), text)]


def test_shares_of_sites_and_habits_are_whole() -> None:
    assert clinic.SIZES.sum() == pytest.approx(1)
    assert clinic.SMOKERS.sum() == pytest.approx(1)
    assert clinic.AGES.sum() == pytest.approx(1)
