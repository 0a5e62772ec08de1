from __future__ import annotations

import pytest
from pydantic import ValidationError
from scipy import stats

from models.curve import Counts, Curve
from models.operating_point import Certificate, Measured, OperatingPoint, spoken_of
from models.promise import Promise

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


def certificate(**changes: object) -> Certificate:
    return Certificate.model_validate({"promise": PROMISE, "certified": 0.7, "positives": 3, "negatives": 3, **changes})


@pytest.mark.parametrize(
    ("promise", "certified", "rule"),
    [
        (PROMISE, 0.59, "at least 0.6, got 0.59"),
        (Promise(figure="flagged", at_most=0.05, confidence=0.95), 0.06, "at most 0.05, got 0.06"),
    ],
)
def test_what_was_not_certified_can_not_be_written(promise: Promise, certified: float, rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        certificate(promise=promise, certified=certified)
    assert caught.value.errors()[0]["msg"] == f"Value error, certified should be {rule}"
    assert certificate(promise=promise, certified=promise.bound).certified == promise.bound


def point(**changes: object) -> OperatingPoint:
    fields = {"threshold": 0.6, "clear_below": 0.6, "certificates": (certificate(),)}
    return OperatingPoint.model_validate({**fields, "measured": Measured.of(CURVE, 0.6), **changes})


def test_a_point_without_a_certificate_can_not_be_written() -> None:
    with pytest.raises(ValidationError, match="certificates"):
        point(certificates=())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"clear_below": 0.7}, "clear_below should not be above the threshold 0.6, got 0.7"),
        ({"clear_below": 0.2}, "cleared should be given exactly where clear_below is another threshold"),
        ({"cleared": CURVE.at(0.6)}, "cleared should be given exactly where clear_below is another threshold"),
    ],
)
def test_a_zone_lies_below_the_threshold_and_has_counts_of_its_own(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        point(**changes)
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


def test_a_point_knows_its_zone_and_the_prevalence_of_its_promises() -> None:
    assert not point().has_zone
    assert point().prevalence is None
    precise = certificate(promise=Promise(figure="precision", at_least=0.5, confidence=0.9, prevalence=0.02))
    zoned = point(clear_below=0.2, cleared=CURVE.at(0.2), certificates=(certificate(), precise))
    assert zoned.has_zone
    assert zoned.prevalence == 0.02
    assert zoned.in_words == (
        "recall >= 0.6 with confidence 0.95 and precision >= 0.5 at prevalence 0.02 with confidence 0.9"
    )


def test_of_two_thresholds_a_promise_speaks_of_the_one_that_decides_it() -> None:
    upper, lower = CURVE.at(0.6), CURVE.at(0.2)
    for figure, spoken in {"recall": lower, "npv": lower, "specificity": upper, "precision": upper}.items():
        promise = Promise.model_validate({"figure": figure, "at_least": 0.5, "confidence": 0.9, "prevalence": 0.1})
        assert spoken_of(promise, upper, lower) == spoken
        assert spoken_of(promise, upper, None) == upper


def test_a_promise_in_words_names_prevalence_only_where_it_matters() -> None:
    assert str(PROMISE) == "recall >= 0.6 with confidence 0.95"
    assert (
        str(Promise(figure="precision", at_least=0.9, confidence=0.99, prevalence=0.001))
        == "precision >= 0.9 at prevalence 0.001 with confidence 0.99"
    )
