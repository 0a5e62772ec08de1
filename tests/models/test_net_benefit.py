from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import special

from models.calibration import shift
from models.curve import Counts, Curve
from models.net_benefit import DecisionCurve, net_benefit


def drawn(rows: int = 2000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities, about one in five sick, and what became of the people."""
    random = np.random.default_rng(seed)
    probabilities = special.expit(random.normal(-2, 1.5, rows)).astype(np.float32)
    return probabilities, (random.random(rows) < probabilities).astype(int)


def test_net_benefit_is_that_of_a_slow_count_at_every_threshold() -> None:
    probabilities, sick = drawn()
    thresholds = [0.0, 0.013, 0.1, 0.25, 0.5, 0.9, 0.999]
    found = DecisionCurve.of(Curve.of(probabilities, sick), prevalence=0.05, thresholds=thresholds)
    for place, threshold in enumerate(thresholds):
        flagged = probabilities >= np.float32(threshold)
        price = threshold / (1 - threshold)
        wanted = 0.05 * flagged[sick == 1].mean() - 0.95 * flagged[sick == 0].mean() * price
        assert found.model[place] == pytest.approx(wanted, abs=1e-12)
        assert found.all[place] == pytest.approx(0.05 - 0.95 * price, abs=1e-12)
        assert found.low[place] <= found.model[place] <= found.high[place]


def test_probabilities_stated_elsewhere_are_moved_to_the_prevalence_first() -> None:
    probabilities, sick = drawn()
    thresholds = [0.0, 0.001, 0.01, 0.05, 0.2, 0.7]
    curve = Curve.of(probabilities, sick, prevalence=0.2)
    found = DecisionCurve.of(curve, prevalence=0.01, thresholds=thresholds)
    moved = special.expit(shift(special.logit(probabilities.astype(float)), prevalence=0.2, to=0.01))
    assert found == DecisionCurve.of(Curve.of(moved, sick), prevalence=0.01, thresholds=thresholds)
    unmoved = DecisionCurve.of(Curve.of(probabilities, sick), prevalence=0.2, thresholds=thresholds)
    assert DecisionCurve.of(curve, prevalence=0.2, thresholds=thresholds) == unmoved


def test_without_thresholds_a_hundred_reach_from_none_to_ten_times_the_prevalence_and_never_1() -> None:
    curve = Curve.of(*drawn())
    for prevalence, highest in [(0.001, 0.01), (0.05, 0.5), (0.3, 0.99)]:
        found = DecisionCurve.of(curve, prevalence=prevalence)
        assert len(found.thresholds) == 100
        assert found.thresholds == pytest.approx(np.linspace(0, highest, 100))


def test_with_many_cases_the_interval_is_that_of_the_variances_of_both_rates() -> None:
    counts = Counts(hits=6000, misses=4000, alarms=9000, clears=81000)
    value, low, high = net_benefit(counts, prevalence=0.02, threshold=0.05)
    variance = (0.02**2) * 0.24 / 10_000 + (0.98 * 0.05 / 0.95) ** 2 * 0.09 / 90_000
    assert [value - low, high - value] == pytest.approx([1.959964 * math.sqrt(variance)] * 2, rel=0.02)


def test_a_higher_confidence_widens_the_interval() -> None:
    curve = Curve.of(*drawn())
    usual = DecisionCurve.of(curve, prevalence=0.1, thresholds=[0.1])
    sure = DecisionCurve.of(curve, prevalence=0.1, thresholds=[0.1], confidence=0.99)
    assert (usual.confidence, sure.confidence) == (0.95, 0.99)
    assert sure.low[0] < usual.low[0] < usual.high[0] < sure.high[0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"prevalence": 0.0}, "prevalence: should lie strictly between 0 and 1, got 0.0."),
        ({"prevalence": 1.0}, "prevalence: should lie strictly between 0 and 1, got 1.0."),
        ({"thresholds": [0.5, 1.0]}, "thresholds.1: should be a probability below 1, got 1.0."),
        ({"thresholds": [math.nan]}, "thresholds.0: should be a probability below 1, got nan."),
        (
            {"curve": Curve.of([0.5, 0.6], [1, 1])},
            "curve: net benefit needs cases of both kinds, got 2 positives, 0 negatives.",
        ),
        (
            {"curve": Curve.of([0.5], [0])},
            "curve: net benefit needs cases of both kinds, got 0 positives, 1 negatives.",
        ),
    ],
)
def test_what_has_no_net_benefit_is_refused(change: dict[str, object], text: str) -> None:
    asked = {"curve": Curve.of([0.2, 0.7], [0, 1]), "prevalence": 0.1, **change}
    with pytest.raises(ValueError) as refused:
        DecisionCurve.of(asked.pop("curve"), **asked)
    assert str(refused.value) == text


def test_lists_of_different_lengths_are_refused() -> None:
    found = DecisionCurve.of(Curve.of([0.2, 0.7], [0, 1]), prevalence=0.1)
    with pytest.raises(ValidationError, match=r"should be of one length, got \[99, 100\]"):
        DecisionCurve.model_validate(found.model_dump() | {"all": found.all[1:]})
