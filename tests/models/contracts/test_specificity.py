from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.contracts.specificity import Specificity
from models.curve import Counts, Curve
from models.errors import Unreachable
from tests.cases import drawn, least, two_scores


def alarms_by_loop(negatives: int, at_least: float, confidence: float) -> int | None:
    """The most alarms with BinCDF <= risk, tried one after the other."""
    allowed = [k for k in range(negatives) if stats.binom.cdf(k, negatives, 1 - at_least) <= 1 - confidence]
    return max(allowed, default=None)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**31),
    st.integers(30, 300),
    st.sampled_from([0.5, 0.8, 0.9]),
    st.sampled_from([0.8, 0.95]),
    st.sampled_from([3, 20, 10**7]),
)
def test_the_threshold_clears_the_score_at_the_loop_s_place_and_no_lower_one_does(
    seed: int, negatives: int, at_least: float, confidence: float, steps: int
) -> None:
    """`steps` distinct scores at most: ties everywhere, some, none."""
    alarms = alarms_by_loop(negatives, at_least, confidence)
    random = np.random.default_rng(seed)
    sick = np.arange(2 * negatives) < negatives
    scores = (random.integers(1, steps + 1, len(sick)) / (steps + 1)).astype(np.float32)
    curve = Curve.of(scores, sick)
    contract = Specificity(at_least=at_least, confidence=confidence)
    cleared = scores[sick].max() if alarms is None else np.sort(scores[~sick])[::-1][alarms]
    if alarms is None or cleared >= scores[sick].max():
        with pytest.raises(Unreachable):
            contract.choose(curve, guide=curve)
        return
    point = contract.choose(curve, guide=curve)
    above = scores[scores > cleared].min()
    assert cleared < point.threshold <= above
    assert curve.at(point.threshold) == curve.at(float(above))
    assert point.certificates[0].certified == pytest.approx(least(negatives - alarms, negatives, confidence), rel=1e-9)


def test_ties_only_raise_the_specificity() -> None:
    # One alarm is allowed among 100, but the ten highest share a score: none may be.
    curve = Curve.of([0.8] * 10 + [0.3] * 90 + [0.9] * 20, [0] * 100 + [1] * 20)
    point = Specificity(at_least=0.95).choose(curve, guide=curve)
    assert point.measured.counts.alarms == 0
    assert point.certificates[0].certified == pytest.approx(stats.beta.ppf(0.05, 99, 2))


def test_a_promise_that_leaves_none_of_the_sick_flagged_is_refused_with_what_would_do() -> None:
    counts = Counts(hits=10, misses=0, alarms=1, clears=39)
    curve = two_scores(counts)
    with pytest.raises(Unreachable) as caught:
        Specificity(at_least=0.95).choose(curve, guide=curve)
    assert str(caught.value) == (
        "specificity >= 0.95 with confidence 0.95: cannot be certified. 40 negatives carry specificity >="
        f" {least(39, 40, 0.95):.4g}, if any of the 10 positives is to be flagged. Would do:"
        f" {caught.value.missing_negatives} more negatives."
    )
    assert caught.value.missing_positives == 0

    def more(extra: int) -> Curve:
        negatives = 40 + extra
        alarms = -(-negatives // 40)  # as many of them alarmed, rounded up
        return two_scores(Counts(hits=10, misses=0, alarms=alarms, clears=negatives - alarms))

    missing = caught.value.missing_negatives
    assert missing is not None
    assert Specificity(at_least=0.95).choose(more(missing), guide=curve).measured.counts.hits == 10
    with pytest.raises(Unreachable):
        Specificity(at_least=0.95).choose(more(missing - 1), guide=curve)


@pytest.mark.parametrize("targets", [[1] * 40, [0] * 40])
def test_without_one_kind_of_cases_there_is_nothing_to_certify(targets: list[int]) -> None:
    curve = Curve.of(np.linspace(0.1, 0.9, 40), targets)
    with pytest.raises(Unreachable) as caught:
        Specificity(at_least=0.5).choose(curve, guide=curve)
    assert (caught.value.missing_negatives is None) == (targets[0] == 0)


def test_the_region_is_a_mean_of_recalls_by_a_slow_loop() -> None:
    curve = drawn(200, 0.3, seed=7)
    recalls = []
    for step in range(100):
        asked = 0.8 + 0.2 * step / 100
        most = (1 - asked) * curve.negative_count + 1e-9
        counted = [curve.at(score) for score in curve.thresholds]
        recalls.append(max((each.hits for each in counted if each.alarms <= most), default=0) / curve.positive_count)
    assert Specificity(at_least=0.9).region(curve) == pytest.approx(np.mean(recalls), abs=0.01)
