from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from models.intervals import lower_bound, precision_at, upper_bound, wilson


def test_wilson_is_the_score_interval_by_its_formula() -> None:
    for of, out_of, confidence in [(57, 60, 0.95), (0, 60, 0.95), (60, 60, 0.9), (1, 1000, 0.99), (3, 7, 0.5)]:
        z, share = stats.norm.ppf((1 + confidence) / 2), of / out_of
        middle = (share + z**2 / (2 * out_of)) / (1 + z**2 / out_of)
        reach = z / (1 + z**2 / out_of) * math.sqrt(share * (1 - share) / out_of + z**2 / (4 * out_of**2))
        found = wilson(of, out_of, confidence)
        assert (found.value, found.of, found.out_of, found.confidence) == (share, of, out_of, confidence)
        assert (found.low, found.high) == pytest.approx((max(middle - reach, 0), min(middle + reach, 1)), abs=1e-12)
        assert found.low <= share <= found.high


def test_a_share_of_no_cases_is_not_measured_and_says_so() -> None:
    found = wilson(0, 0)
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)
    assert str(found) == "not measured"


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.975, 0.999])
@pytest.mark.parametrize(("of", "out_of"), [(0, 5), (5, 5), (1, 59), (58, 59), (250, 1000), (0, 0), (7, 100000)])
def test_bounds_are_those_of_clopper_and_pearson(of: int, out_of: int, confidence: float) -> None:
    if out_of == 0:
        assert (lower_bound(0, 0, confidence), upper_bound(0, 0, confidence)) == (0.0, 1.0)
        return
    low = stats.binomtest(of, out_of, alternative="greater").proportion_ci(confidence, method="exact").low
    high = stats.binomtest(of, out_of, alternative="less").proportion_ci(confidence, method="exact").high
    assert lower_bound(of, out_of, confidence) == pytest.approx(low, rel=1e-9)
    assert upper_bound(of, out_of, confidence) == pytest.approx(high, rel=1e-9)


@pytest.mark.parametrize("cases", [20, 59, 60, 300])
@pytest.mark.parametrize("truth", [0.5, 0.9, 0.95, 0.98, 0.99])
def test_a_bound_fails_no_oftener_than_promised_by_adding_up_every_outcome(cases: int, truth: float) -> None:
    outcomes = np.arange(cases + 1)
    chances = stats.binom.pmf(outcomes, cases, truth)
    too_high = sum(chances[of] for of in outcomes if lower_bound(int(of), cases, 0.95) > truth)
    too_low = sum(chances[of] for of in outcomes if upper_bound(int(of), cases, 0.95) < truth)
    assert too_high <= 0.05
    assert too_low <= 0.05


@pytest.mark.parametrize("truth", [0.95, 0.98, 0.99])
def test_pitfall_wald_is_not_used_its_coverage_at_60_positives_is_far_below_what_wilson_keeps(truth: float) -> None:
    cases, outcomes = 60, np.arange(61)
    chances = stats.binom.pmf(outcomes, cases, truth)

    def wald(of: int) -> tuple[float, float]:
        reach = 1.96 * math.sqrt(of / cases * (1 - of / cases) / cases)
        return of / cases - reach, of / cases + reach

    def coverage(intervals: list[tuple[float, float]]) -> float:
        return float(sum(chances[of] for of in outcomes if intervals[of][0] <= truth <= intervals[of][1]))

    ours = [(found.low, found.high) for found in (wilson(int(of), cases) for of in outcomes)]
    assert coverage([wald(int(of)) for of in outcomes]) < 0.82
    assert coverage(ours) > 0.87
    assert coverage(ours) > coverage([wald(int(of)) for of in outcomes]) + 0.05


def test_precision_is_that_of_bayes() -> None:
    found = precision_at(hits=80, positives=100, alarms=50, negatives=1000, prevalence=0.01)
    # Of 100,000 people 1,000 are sick, 800 of them are flagged, and 0.05 * 99,000 of the others.
    assert found.value == pytest.approx(800 / (800 + 4950))
    assert found.of is None


def test_the_precision_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    caught, alarmed, prevalence = 0.7, 0.05, 0.1
    truth = caught * prevalence / (caught * prevalence + alarmed * (1 - prevalence))
    covered = 0
    for hits, alarms in zip(random.binomial(150, caught, 2000), random.binomial(400, alarmed, 2000), strict=True):
        found = precision_at(hits=int(hits), positives=150, alarms=int(alarms), negatives=400, prevalence=prevalence)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / 2000 <= 0.975


@pytest.mark.parametrize(
    ("hits", "positives", "alarms", "negatives"),
    [(5, 5, 0, 5), (0, 5, 3, 5), (5, 5, 5, 5), (1, 5, 0, 100000), (3, 4, 1, 1)],
)
def test_an_empty_cell_still_gives_an_interval_around_the_value(
    hits: int, positives: int, alarms: int, negatives: int
) -> None:
    found = precision_at(hits=hits, positives=positives, alarms=alarms, negatives=negatives, prevalence=0.3)
    assert found.value is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@pytest.mark.parametrize(("hits", "positives", "alarms", "negatives"), [(0, 5, 0, 5), (0, 0, 3, 5), (3, 5, 0, 0)])
def test_precision_without_alarms_or_without_a_kind_is_not_measured(
    hits: int, positives: int, alarms: int, negatives: int
) -> None:
    found = precision_at(hits=hits, positives=positives, alarms=alarms, negatives=negatives, prevalence=0.3)
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


def test_an_interval_beyond_all_floats_stays_a_share() -> None:
    found = precision_at(hits=1, positives=2, alarms=10, negatives=20, prevalence=1e-308)
    assert found.value is not None
    assert 0 <= found.low <= found.high < 1e-300
