from __future__ import annotations

import numpy as np
import pytest

from models.contract import Contract
from models.contracts.npv import NPV
from models.curve import Curve
from models.errors import Unreachable
from models.plan import Expected
from tests.cases import drawn, npv_by_scipy


def npv_by_loop(contract: NPV, certification: Curve, guide: Curve) -> float | None:
    """The guide's surest score first, then each higher one; each against the bound of scipy; stop at a failure."""
    scores = sorted(guide.thresholds)
    sure = [npv_by_scipy(guide.at(score), contract.confidence, contract.prevalence) for score in scores]
    start = len(sure) - 1 - sure[::-1].index(max(sure))
    found = None
    for place in range(start, len(scores)):
        below = scores[place - 1] if place else 0.0
        middle = float(np.float32((below + scores[place]) / 2))
        if npv_by_scipy(certification.at(middle), contract.confidence, contract.prevalence) < contract.at_least:
            return found
        found = middle
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("at_least", "prevalence"), [(0.95, 0.2), (0.995, 0.05), (0.9, 0.5)])
def test_the_npv_threshold_is_that_of_a_slow_loop_over_the_guide(seed: int, at_least: float, prevalence: float) -> None:
    certification, guide = drawn(1200, 0.2, seed=seed), drawn(150, 0.2, seed=seed + 100)
    contract = NPV(at_least=at_least, prevalence=prevalence)
    wanted = npv_by_loop(contract, certification, guide)
    if wanted is None:
        with pytest.raises(Unreachable):
            contract.choose(certification, guide=guide)
        return
    point = contract.choose(certification, guide=guide)
    assert point.threshold == wanted
    assert npv_by_scipy(certification.at(wanted), 0.95, prevalence) >= at_least
    assert point.certificates[0].certified == at_least
    assert point.measured.prevalence == prevalence


def test_testing_stops_at_the_first_failure_even_if_a_later_threshold_would_pass() -> None:
    contract = NPV(at_least=0.5, prevalence=0.5, confidence=0.9)
    guide = Curve.of([0.1] * 20 + [0.5] * 20 + [0.8] * 20 + [0.9] * 20, [0] * 20 + [0, 1] * 20 + [1] * 20)
    # Clearing those at 0.1 is fine; at 0.5 too many sick are among them; higher up they drown in the healthy.
    certification = Curve.of(
        [0.1] * 30 + [0.5] * 60 + [0.8] * 300 + [0.9] * 40, [0] * 30 + [1] * 60 + [0] * 300 + [1] * 40
    )
    at = [npv_by_scipy(certification.at(score), 0.9, 0.5) >= 0.5 for score in (0.5, 0.8, 0.9)]
    assert at == [True, False, True]
    point = contract.choose(certification, guide=guide)
    assert point.measured.counts == certification.at(0.5)


def test_npv_out_of_reach_is_said_in_full() -> None:
    curve = Curve.of([0.1] * 30 + [0.9] * 30, [0] * 30 + [1] * 30)
    carried = npv_by_scipy(curve.at(0.9), 0.95, 0.1)
    with pytest.raises(Unreachable) as caught:
        NPV(at_least=0.999, prevalence=0.1).choose(curve, guide=curve)
    more = caught.value.missing_positives
    assert caught.value.missing_negatives == more
    assert str(caught.value) == (
        "NPV >= 0.999 at prevalence 0.1 with confidence 0.95: cannot be certified. 30 positives and 30 negatives carry"
        f" NPV >= {carried:.4g} at prevalence 0.1. Would do: {more} more positives and {more} more negatives."
    )


def test_the_region_is_a_mean_of_shares_cleared_by_a_slow_loop() -> None:
    curve = drawn(150, 0.3, seed=8)
    contract = NPV(at_least=0.9, prevalence=0.1)
    cleared = []
    for step in range(100):
        asked = 0.8 + 0.2 * step / 100
        counted = [curve.at(score) for score in (*curve.thresholds, 1.0)]
        enough = [each.clears for each in counted if (contract.promises[0].measured(each) or 0.0) >= asked]
        cleared.append(max(enough, default=0) / curve.negative_count)
    assert contract.region(curve) == pytest.approx(np.mean(cleared), abs=1e-9)


def test_a_model_that_is_not_good_enough_has_no_plan() -> None:
    assert NPV(at_least=0.9999, prevalence=0.3).plan(Expected(recall=0.8, specificity=0.8)) == ()


def test_it_is_read_by_its_long_name() -> None:
    text = "negative predictive value of at least 99.9 % at a prevalence of 1 %"
    assert Contract.read(text) == NPV(at_least=0.999, prevalence=0.01)
