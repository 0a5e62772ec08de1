from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from models.intervals import (
    Limits,
    clopper_pearson,
    flagged_share,
    likelihood_ratio,
    lower_bound,
    npv_at,
    precision_at,
    upper_bound,
    weighted_sum,
    wilson,
)

TABLES = [
    (hits, positives, alarms, negatives)
    for positives, negatives in [(1, 1), (5, 7), (20, 400), (300, 12)]
    for hits in sorted({0, 1, positives // 2, positives})
    for alarms in sorted({0, 1, negatives // 3, negatives})
]


def recovered(above: Limits, below: Limits) -> tuple[float, float]:
    """Limits of a ratio where the limits of `above - ratio * below` are zero, found by halving, not by formula."""

    def lower(ratio: float) -> float:
        off = math.hypot(above.value - above.low, ratio * (below.high - below.value))
        return above.value - ratio * below.value - off

    def upper(ratio: float) -> float:
        off = math.hypot(above.high - above.value, ratio * (below.value - below.low))
        return above.value - ratio * below.value + off

    ends = []
    for limit in (lower, upper):
        small, large = -30.0, 30.0
        for _ in range(200):
            middle = (small + large) / 2
            small, large = (middle, large) if limit(math.exp(middle)) > 0 else (small, middle)
        ends.append(math.exp(small))
    return ends[0], ends[1]


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


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("hits", "positives", "alarms", "negatives"), TABLES)
def test_the_ratio_is_bounded_where_the_recovered_limits_of_the_difference_are_zero(
    hits: int, positives: int, alarms: int, negatives: int, confidence: float
) -> None:
    found = likelihood_ratio(of_sick=hits, sick=positives, of_healthy=alarms, healthy=negatives, confidence=confidence)
    assert found.confidence == confidence
    if hits + alarms == 0:
        assert (found.value, found.low, found.high) == (None, 0.0, None)
        return
    low, high = recovered(clopper_pearson(hits, positives, confidence), clopper_pearson(alarms, negatives, confidence))
    assert found.low == pytest.approx(low if hits else 0.0, rel=1e-9, abs=1e-12)
    if alarms:
        assert found.value == pytest.approx(hits / positives / (alarms / negatives))
        assert found.high == pytest.approx(high, rel=1e-9)
        assert found.value is not None
        assert found.high is not None
        assert found.low <= found.value <= found.high
    else:
        assert (found.value, found.high) == (None, None)


def test_with_many_cases_the_ratio_interval_is_the_usual_logarithmic_one() -> None:
    found = likelihood_ratio(of_sick=90_000, sick=100_000, of_healthy=30_000, healthy=200_000)
    reach = 1.959964 * math.sqrt(1 / 90_000 - 1 / 100_000 + 1 / 30_000 - 1 / 200_000)
    assert found.value == pytest.approx(6)
    assert found.low == pytest.approx(6 * math.exp(-reach), rel=1e-4)
    assert found.high == pytest.approx(6 * math.exp(reach), rel=1e-4)


@pytest.mark.parametrize("prevalence", [1e-6, 0.001, 0.1, 0.5, 0.999])
@pytest.mark.parametrize(("hits", "positives", "alarms", "negatives"), TABLES)
def test_predictive_values_are_bayes_theorem_at_the_likelihood_ratio_and_at_both_its_limits(
    hits: int, positives: int, alarms: int, negatives: int, prevalence: float
) -> None:
    def sick_share(ratio: float | None) -> float:
        return 1.0 if ratio is None else prevalence * ratio / (prevalence * ratio + 1 - prevalence)

    misses, clears = positives - hits, negatives - alarms
    precision = precision_at(hits=hits, positives=positives, alarms=alarms, negatives=negatives, prevalence=prevalence)
    npv = npv_at(misses=misses, positives=positives, clears=clears, negatives=negatives, prevalence=prevalence)
    if hits + alarms:
        ratio = likelihood_ratio(of_sick=hits, sick=positives, of_healthy=alarms, healthy=negatives)
        wanted = [sick_share(end) for end in (ratio.low, ratio.value, ratio.high)]
        assert [precision.low, precision.value, precision.high] == pytest.approx(wanted, rel=1e-12)
    if misses + clears:
        ratio = likelihood_ratio(of_sick=misses, sick=positives, of_healthy=clears, healthy=negatives)
        wanted = [1 - sick_share(end) for end in (ratio.high, ratio.value, ratio.low)]
        assert [npv.low, npv.value, npv.high] == pytest.approx(wanted, rel=1e-9, abs=1e-15)
    else:
        assert (npv.value, npv.low, npv.high) == (None, 0.0, 1.0)


def places_where_counts_are_small() -> list[tuple[float, float, int, int]]:
    return [
        (0.85, 0.1, 20, 20_000),
        (0.99, 0.001, 20, 350),
        (0.98, 0.005, 50, 200),
        (0.99, 0.001, 50, 20_000),
        (0.95, 0.02, 50, 2_000),
        (0.7, 0.05, 150, 400),
    ]


@pytest.mark.parametrize(("recall", "alarmed", "positives", "negatives"), places_where_counts_are_small())
def test_intervals_hold_the_truth_at_small_counts_by_adding_up_every_outcome(
    recall: float, alarmed: float, positives: int, negatives: int
) -> None:
    prevalence = 0.01
    sick, healthy = prevalence * recall, (1 - prevalence) * alarmed
    missed, cleared = prevalence * (1 - recall), (1 - prevalence) * (1 - alarmed)
    covered = np.zeros(4)
    fewest, most = stats.binom.ppf([1e-4, 1 - 1e-4], positives, recall).astype(int)
    # Only about every twentieth number of many alarms is looked at: the answer hardly moves between neighbours.
    first, last = stats.binom.ppf([1e-4, 1 - 1e-4], negatives, alarmed).astype(int)
    all_alarms = range(first, last + 1, max(1, int(last - first) // 20))
    total = 0.0
    for hits in range(fewest, most + 1):
        for alarms in all_alarms:
            chance = stats.binom.pmf(hits, positives, recall) * stats.binom.pmf(alarms, negatives, alarmed)
            counts = {"positives": positives, "negatives": negatives}
            flags = {"hits": hits, "alarms": alarms, **counts}
            pairs = [
                (precision_at(**flags, prevalence=prevalence), sick / (sick + healthy)),
                (
                    npv_at(misses=positives - hits, clears=negatives - alarms, **counts, prevalence=prevalence),
                    cleared / (missed + cleared),
                ),
                (flagged_share(**flags, prevalence=prevalence), sick + healthy),
                (
                    weighted_sum(
                        clopper_pearson(hits, positives), clopper_pearson(alarms, negatives), weights=(1, -0.5)
                    ),
                    recall - 0.5 * alarmed,
                ),
            ]
            covered += chance * np.array([found.low <= truth <= found.high for found, truth in pairs])
            total += float(chance)
    assert (covered / total >= 0.94).all()


@pytest.mark.parametrize("weights", [(0.1, 0.9), (0.1, -0.3), (-0.2, 0.5)])
def test_a_weighted_sum_of_many_cases_has_the_variance_of_both_shares(weights: tuple[float, float]) -> None:
    value, low, high = weighted_sum(clopper_pearson(60_000, 100_000), clopper_pearson(30_000, 200_000), weights=weights)
    variance = weights[0] ** 2 * 0.6 * 0.4 / 100_000 + weights[1] ** 2 * 0.15 * 0.85 / 200_000
    assert value == pytest.approx(weights[0] * 0.6 + weights[1] * 0.15)
    assert [value - low, high - value] == pytest.approx([1.959964 * math.sqrt(variance)] * 2, rel=0.01)


def test_turning_a_difference_round_turns_its_limits_round() -> None:
    one, other = clopper_pearson(3, 20), clopper_pearson(1, 400)
    value, low, high = weighted_sum(one, other, weights=(0.2, -0.7))
    assert weighted_sum(one, other, weights=(-0.2, 0.7)) == pytest.approx((-value, -high, -low))


@pytest.mark.parametrize(("hits", "alarms"), [(0, 0), (0, 3), (4, 0), (4, 7), (2, 3)])
def test_the_share_flagged_is_a_share_between_its_limits(hits: int, alarms: int) -> None:
    found = flagged_share(hits=hits, positives=4, alarms=alarms, negatives=7, prevalence=0.3)
    assert found.value == pytest.approx(0.3 * hits / 4 + 0.7 * alarms / 7)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


@pytest.mark.parametrize(("positives", "negatives"), [(0, 5), (5, 0)])
def test_without_one_kind_of_cases_nothing_made_from_both_is_measured(positives: int, negatives: int) -> None:
    flags = {"hits": positives, "positives": positives, "alarms": negatives, "negatives": negatives}
    flagged = flagged_share(**flags, prevalence=0.1)
    npv = npv_at(misses=positives, positives=positives, clears=negatives, negatives=negatives, prevalence=0.1)
    for found in (flagged, npv, precision_at(**flags, prevalence=0.1)):
        assert (found.value, found.low, found.high) == (None, 0.0, 1.0)
    ratio = likelihood_ratio(of_sick=positives, sick=positives, of_healthy=negatives, healthy=negatives)
    assert (ratio.value, ratio.low, ratio.high) == (None, 0.0, None)


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_a_prevalence_that_leaves_only_one_kind_is_refused(prevalence: float) -> None:
    counts = {"positives": 5, "negatives": 5, "prevalence": prevalence}
    for ask in (
        lambda: precision_at(hits=1, alarms=1, **counts),
        lambda: npv_at(misses=1, clears=1, **counts),
        lambda: flagged_share(hits=1, alarms=1, **counts),
    ):
        with pytest.raises(ValueError) as refused:
            ask()
        assert str(refused.value) == f"prevalence: should lie strictly between 0 and 1, got {prevalence}."


def test_a_ratio_says_in_words_that_it_has_no_bound() -> None:
    assert str(likelihood_ratio(of_sick=5, sick=5, of_healthy=0, healthy=5)).endswith(", unbounded]")
    assert str(likelihood_ratio(of_sick=4, sick=8, of_healthy=2, healthy=8)).startswith("2 [")


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
