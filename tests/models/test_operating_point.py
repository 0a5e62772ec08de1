from __future__ import annotations

import pytest
from pydantic import ValidationError
from scipy import stats

from models.curve import Counts, Curve
from models.intervals import wilson
from models.operating_point import Measured, OperatingPoint, Promise

CURVE = Curve.of([0.1, 0.2, 0.2, 0.6, 0.7, 0.9], [0, 0, 1, 0, 1, 1])
PROMISE = Promise(figure="recall", at_least=0.6, confidence=0.95)


def test_each_figure_is_its_own_share_with_its_wilson_interval() -> None:
    measured = Measured.of(CURVE, 0.6)
    assert measured.counts == Counts(hits=2, misses=1, alarms=1, clears=2)
    for found, of in ((measured.recall, 2), (measured.specificity, 2), (measured.precision, 2)):
        low, high = stats.binomtest(of, 3).proportion_ci(0.95, method="wilson")
        assert (found.value, found.low, found.high) == pytest.approx((of / 3, low, high))
    assert measured.prevalence == 0.5


def test_precision_at_a_named_prevalence_is_restated() -> None:
    measured = Measured.of(CURVE, 0.6, prevalence=0.1)
    assert measured.prevalence == 0.1
    assert measured.precision.value == pytest.approx(0.1 * 2 / 3 / (0.1 * 2 / 3 + 0.9 * 1 / 3))
    assert Measured.of(CURVE, 0.6, prevalence=0.5).precision.value == pytest.approx(2 / 3)


@pytest.mark.parametrize(("of", "kept"), [(599, False), (600, True), (601, True)])
def test_a_promise_is_kept_by_a_figure_as_large_as_it(of: int, kept: bool) -> None:  # noqa: FBT001  # the answer
    assert PROMISE.kept_by(wilson(of, 1000)) is kept


def test_a_figure_that_was_not_measured_keeps_no_promise() -> None:
    assert not PROMISE.kept_by(wilson(0, 0))


def test_a_point_that_was_not_certified_can_not_be_written() -> None:
    with pytest.raises(ValidationError) as caught:
        OperatingPoint(
            threshold=0.5,
            promise=PROMISE,
            certified=0.59,
            positives=3,
            negatives=3,
            measured=Measured.of(CURVE, 0.5),
        )
    assert caught.value.errors()[0]["msg"] == "Value error, certified should be at least 0.6, got 0.59"


def test_a_promise_in_words_names_prevalence_only_where_it_matters() -> None:
    assert str(PROMISE) == "recall >= 0.6 with confidence 0.95"
    assert (
        str(Promise(figure="precision", at_least=0.9, confidence=0.99, prevalence=0.001))
        == "precision >= 0.9 at prevalence 0.001 with confidence 0.99"
    )
