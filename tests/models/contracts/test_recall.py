from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import Unreachable
from tests.cases import drawn


def test_the_region_of_recall_is_a_mean_of_specificities_by_a_slow_loop() -> None:
    curve = drawn(200, 0.3, seed=7)
    specificities = []
    for step in range(100):
        least = 0.8 + 0.2 * step / 100
        enough = [
            counts for counts in map(curve.at, curve.thresholds) if counts.hits >= least * counts.positives - 1e-9
        ]
        specificities.append(max(counts.clears for counts in enough) / curve.negative_count)
    assert Recall(at_least=0.9).region(curve) == pytest.approx(np.mean(specificities), abs=1e-9)


def misses_by_loop(positives: int, at_least: float, confidence: float) -> int | None:
    """The largest k with BinCDF(k) <= risk, tried one after the other."""
    found = None
    for misses in range(positives + 1):
        if stats.binom.cdf(misses, positives, 1 - at_least) > 1 - confidence:
            break
        found = misses
    return found


@pytest.mark.parametrize(("at_least", "needed"), [(0.95, 59), (0.98, 149), (0.99, 299)])
def test_recall_needs_59_149_and_299_positives(at_least: float, needed: int) -> None:
    rule = Recall(at_least=at_least)
    assert rule.positives_needed == needed
    assert rule.allowed_misses(needed) == 0
    assert rule.allowed_misses(needed - 1) is None


@pytest.mark.parametrize("at_least", [0.5, 0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_allowed_misses_are_those_of_a_loop_over_the_binomial(at_least: float, confidence: float) -> None:
    rule = Recall(at_least=at_least, confidence=confidence)
    every = np.arange(1, 2001)
    # The same loop for all counts at once: how many leading k pass.
    wanted = np.full(len(every), -1)
    for misses in range(2001):
        passing = stats.binom.cdf(misses, every, 1 - at_least) <= 1 - confidence
        wanted[passing] = misses
        if not passing.any():
            break
    for positives in [*range(1, 120), *range(120, 2001, 17), 2000]:
        found = rule.allowed_misses(positives)
        assert (-1 if found is None else found) == wanted[positives - 1], positives


def test_pitfall_misses_are_counted_exactly_and_not_rounded_up_from_floats() -> None:
    """Against fractions of whole numbers, where no float can be off by one."""
    for at_least, confidence in [("0.9", "0.95"), ("0.95", "0.9"), ("0.8", "0.99")]:
        share, risk = 1 - Fraction(at_least), 1 - Fraction(confidence)
        rule = Recall(at_least=float(at_least), confidence=float(confidence))
        for positives in range(1, 160, 3):
            total, found = Fraction(0), None
            for misses in range(positives + 1):
                ways = math.comb(positives, misses)
                total += ways * share**misses * (1 - share) ** (positives - misses)
                if total > risk:
                    break
                found = misses
            assert rule.allowed_misses(positives) == found, (at_least, confidence, positives)


@pytest.mark.parametrize(("at_least", "confidence", "needed"), [(0.5, 0.75, 2), (0.5, 0.875, 3), (0.25, 0.9375, 2)])
def test_a_chance_of_exactly_the_risk_still_certifies(at_least: float, confidence: float, needed: int) -> None:
    rule = Recall(at_least=at_least, confidence=confidence)
    assert (rule.positives_needed, rule.allowed_misses(needed)) == (needed, 0)


@pytest.mark.parametrize("at_least", [0.001, 0.5, 0.9, 0.999, 0.99999])
@pytest.mark.parametrize("confidence", [0.51, 0.9, 0.999])
def test_positives_needed_is_the_first_count_that_certifies(at_least: float, confidence: float) -> None:
    rule = Recall(at_least=at_least, confidence=confidence)
    needed = rule.positives_needed
    assert rule.allowed_misses(needed) is not None
    assert needed == 1 or rule.allowed_misses(needed - 1) is None


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**31),
    st.integers(22, 400),
    st.sampled_from([0.5, 0.8, 0.9, 0.95]),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    st.sampled_from([3, 20, 10**7]),
)
def test_the_recall_threshold_lets_through_the_score_at_the_loop_s_place(
    seed: int, positives: int, at_least: float, confidence: float, steps: int
) -> None:
    """`steps` distinct scores at most: ties everywhere, some, none."""
    misses = misses_by_loop(positives, at_least, confidence)
    assume(misses is not None)
    assert misses is not None
    random = np.random.default_rng(seed)
    sick = np.arange(3 * positives) < positives
    scores = (random.integers(1, steps + 1, len(sick)) / (steps + 1)).astype(np.float32)
    curve = Curve.of(scores, sick)
    point = Recall(at_least=at_least, confidence=confidence).choose(curve, guide=curve)
    wanted = sorted(scores[sick])[misses]
    assert curve.at(point.threshold) == curve.at(float(wanted))
    assert point.threshold <= wanted
    # What is certified is the order statistic, not the misses that were seen.
    low = stats.binomtest(positives - misses, positives, alternative="greater").proportion_ci(confidence, "exact").low
    assert point.certificates[0].certified == pytest.approx(low, rel=1e-9)


def test_recall_takes_the_highest_threshold_that_certifies() -> None:
    curve = drawn(3000, 0.1, seed=5)
    rule = Recall(at_least=0.9)
    point = rule.choose(curve, guide=curve)
    allowed = rule.allowed_misses(curve.positive_count)
    next_higher = min(score for score in curve.thresholds if score > point.threshold)
    one_more = min(score for score in curve.thresholds if score > next_higher)
    assert curve.at(point.threshold).misses <= (allowed or 0)
    later = [curve.at(score).misses for score in curve.thresholds if score > one_more]
    assert min(misses for misses in later if misses > point.measured.counts.misses) > (allowed or 0)


def test_ties_only_raise_the_recall() -> None:
    curve = Curve.of([0.2] * 10 + [0.7] * 90 + [0.1] * 50, [1] * 100 + [0] * 50)
    point = Recall(at_least=0.95).choose(curve, guide=curve)
    # One miss is allowed, but the ten lowest share a score: none may go.
    assert point.measured.counts.misses == 0
    assert point.certificates[0].certified == pytest.approx(stats.beta.ppf(0.05, 99, 2))


@pytest.mark.parametrize(("positives", "missing"), [(0, 59), (1, 58), (58, 1)])
def test_adding_the_missing_positives_makes_recall_reachable_and_one_fewer_does_not(
    positives: int, missing: int
) -> None:
    rule = Recall(at_least=0.95)

    def curve(count: int) -> Curve:
        return Curve.of([0.9] * count + [0.1] * 5, [1] * count + [0] * 5)

    with pytest.raises(Unreachable) as caught:
        rule.choose(curve(positives), guide=curve(positives))
    assert (caught.value.missing_positives, caught.value.missing_negatives) == (missing, 0)
    assert caught.value.nearest == pytest.approx(0.05 ** (1 / positives) if positives else 0.0)
    assert rule.choose(curve(positives + missing), guide=curve(1)).measured.counts.misses == 0
    with pytest.raises(Unreachable):
        rule.choose(curve(positives + missing - 1), guide=curve(1))


def test_recall_out_of_reach_is_said_in_full() -> None:
    curve = Curve.of([0.9] * 40, [1] * 40)
    with pytest.raises(Unreachable) as caught:
        Recall(at_least=0.95).choose(curve, guide=curve)
    assert str(caught.value) == (
        "recall >= 0.95 with confidence 0.95: cannot be certified. 40 positives carry recall 0.9278 at most,"
        " even if all are flagged. Would do: 19 more positives."
    )


def test_the_recall_threshold_lies_in_the_middle_of_the_gap_below_its_score() -> None:
    curve = Curve.of([0.25] * 5 + [0.5] * 60 + [0.75] * 40, [0] * 5 + [1] * 100)
    assert Recall(at_least=0.95).choose(curve, guide=curve).threshold == 0.375


def test_pitfall_a_naive_threshold_breaks_its_promise_in_half_of_the_repeats_and_a_certified_one_does_not() -> None:
    naive, certified = 0, 0
    random = np.random.default_rng(1)
    for _ in range(400):
        scores = random.normal(2.0, 1.0, 200)
        probabilities = stats.norm.cdf(scores).astype(np.float32)
        curve = Curve.of(probabilities, np.ones(200))
        chosen = Recall(at_least=0.95, confidence=0.9).choose(curve, guide=curve).threshold
        simple = max(score for score in curve.thresholds if curve.at(score).hits >= 190)
        # True recall of a threshold: the share of the normal law above it.
        naive += stats.norm.sf(stats.norm.ppf(simple), 2.0) < 0.95
        certified += stats.norm.sf(stats.norm.ppf(chosen), 2.0) < 0.95
    assert naive / 400 > 0.4
    assert certified / 400 <= 0.13
