from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from models.calibration_curve import CalibrationCurve
from models.curve import Curve
from models.intervals import wilson


def drawn(*, tilt: float = 1.0, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, `tilt` times too far apart on the logit, and what became of 3,000 people."""
    random = np.random.default_rng(4)
    logits = random.normal(-1, 1, 3000)
    if ties:
        logits = np.round(logits)
    sick = (random.random(3000) < special.expit(logits)).astype(int)
    return special.expit(tilt * logits).astype(np.float32), sick


@pytest.mark.parametrize("tilt", [0.5, 1.0, 2.0])
def test_slope_and_intercept_are_those_of_a_logistic_regression(tilt: float) -> None:
    probabilities, sick = drawn(tilt=tilt)
    found = CalibrationCurve.of(Curve.of(probabilities, sick))
    logits = special.logit(probabilities.astype(float))
    intercept, slope = sm.Logit(sick, sm.add_constant(logits)).fit(disp=False, tol=1e-12).params
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=1e-5)
    assert found.slope == pytest.approx(1 / tilt, rel=0.15)
    assert found.observed_over_expected == pytest.approx(sick.sum() / probabilities.astype(float).sum())


def test_bins_of_distinct_probabilities_are_of_one_size_and_hold_what_a_slow_loop_puts_there() -> None:
    probabilities, sick = drawn()
    found = CalibrationCurve.of(Curve.of(probabilities, sick), bins=12)
    order = np.argsort(probabilities)
    assert len(found.bins) == 12
    for one, place in zip(found.bins, np.array_split(order, 12), strict=True):
        assert abs(one.rows - len(place)) <= 2
        assert one.expected == pytest.approx(probabilities[place].astype(float).mean(), abs=2e-3)
        assert one.observed == wilson(one.observed.of, one.rows)
    assert sum(one.observed.of for one in found.bins) == sick.sum()
    assert sum(one.rows for one in found.bins) == 3000


@pytest.mark.parametrize(("rows", "bins"), [(7, 3), (10, 5), (10, 4), (3, 8)])
def test_distinct_probabilities_are_dealt_out_evenly(rows: int, bins: int) -> None:
    scores = np.linspace(0.1, 0.9, rows)
    found = CalibrationCurve.of(Curve.of(scores, np.arange(rows) % 2), bins=bins)
    sizes = [one.rows for one in found.bins]
    assert sum(sizes) == rows
    assert len(sizes) == min(rows, bins)
    assert max(sizes) - min(sizes) <= 1
    assert sizes[0] == max(sizes)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 12),
)
def test_no_bin_splits_a_tie_and_no_one_is_lost(cases: list[tuple[float, bool]], bins: int) -> None:
    scores, sick = zip(*cases, strict=True)
    found = CalibrationCurve.of(Curve.of(scores, [int(one) for one in sick]), bins=bins)
    assert 1 <= len(found.bins) <= bins
    assert sum(one.rows for one in found.bins) == len(cases)
    assert sum(one.observed.of for one in found.bins) == sum(sick)
    # The people, sorted, are dealt out bin after bin: where one ends, the probability must change.
    ordered = np.sort(np.array(scores, dtype=np.float32)).astype(float)
    start = 0
    for one in found.bins:
        end = start + one.rows
        assert one.expected == pytest.approx(ordered[start:end].mean())
        assert end == len(ordered) or ordered[end - 1] < ordered[end]
        start = end


def test_a_threshold_nobody_scored_changes_nothing() -> None:
    curve = Curve.of([0.2, 0.2, 0.6, 0.8], [0, 1, 0, 1])
    more = Curve(thresholds=(0.0, *curve.thresholds), positives=(0, *curve.positives), negatives=(0, *curve.negatives))
    assert CalibrationCurve.of(more, bins=2) == CalibrationCurve.of(curve, bins=2)


def test_tied_probabilities_give_the_line_that_their_people_one_by_one_give() -> None:
    probabilities, sick = drawn(ties=True)
    found = CalibrationCurve.of(Curve.of(probabilities, sick))
    logits = special.logit(probabilities.astype(float))
    intercept, slope = sm.Logit(sick, sm.add_constant(logits)).fit(disp=False, tol=1e-12).params
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=1e-5)


def test_certain_probabilities_are_still_measured() -> None:
    found = CalibrationCurve.of(Curve.of([0.0, 0.0, 0.5, 1.0, 1.0], [0, 1, 0, 1, 0]))
    assert found.slope is not None
    assert 0 < found.slope < 1
    assert found.bins[-1].expected == 1


def test_cases_that_say_nothing_of_slope_or_of_the_sum_give_none() -> None:
    separated = CalibrationCurve.of(Curve.of([0.2, 0.7], [0, 1]))
    assert (separated.slope, separated.intercept) == (None, None)
    assert CalibrationCurve.of(Curve.of([0.0, 0.0], [0, 0])).observed_over_expected is None


def test_a_curve_of_nobody_or_no_bins_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^curve: calibration needs at least one case, got none\.$"):
        CalibrationCurve.of(Curve.of([], []))
    with pytest.raises(ValueError, match=r"^bins: should be at least 1, got 0\.$"):
        CalibrationCurve.of(Curve.of([0.5], [1]), bins=0)
