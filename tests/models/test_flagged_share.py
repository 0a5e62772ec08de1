"""The bound behind precision and NPV, summed out exactly: no draws, and scipy's own binomials and bounds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from models.curve import Counts
from models.flagged_share import MOST_RISK, least_right, least_share
from models.promise import Promise
from tests.cases import least

CASES = [(1, 1), (1, 40), (2, 30), (3, 200), (7, 7), (12, 30), (30, 12), (40, 3)]


def ratios(cases: tuple[int, int], risk: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The bounds of TPR / FPR [hits, alarms] of all counts, by way of a precision where half of the people are sick."""
    hits, alarms = np.meshgrid(*(np.arange(many + 1) for many in cases), indexing="ij")
    shares = least_share(hits, alarms, of=cases, prevalence=0.5, risk=risk)
    return shares / (1 - shares)


def greatest_chance(cases: tuple[int, int], risk: float) -> float:
    """That the bound lies above the truth, just below each of its values, along many rates of that ratio."""
    bounds, worst = ratios(cases, risk), 0.0
    every = np.unique(bounds[bounds > 0])
    few = every[np.unique(np.linspace(0, len(every) - 1, 120).astype(int))]
    rates = np.append(np.geomspace(1e-4, 0.9, 12), [0.99, 1.0])
    counts = [np.arange(many + 1) for many in cases]
    for ratio in np.union1d(few, bounds[1]):
        caught, alarmed = (rates, rates / ratio) if ratio >= 1 else (rates * ratio, rates)
        of_hits = stats.binom.pmf(counts[0], cases[0], caught[:, None])
        of_alarms = stats.binom.pmf(counts[1], cases[1], np.minimum(alarmed, 1.0)[:, None])
        above = (bounds >= ratio * (1 - 1e-9)).astype(float)
        worst = max(worst, float(np.einsum("rh,ha,ra->r", of_hits, above, of_alarms).max()))
    return worst


@pytest.mark.parametrize("risk", [0.1, 0.05, 0.01])
@pytest.mark.parametrize("cases", CASES, ids=str)
def test_the_bound_is_above_the_truth_no_more_often_than_the_risk_allows(cases: tuple[int, int], risk: float) -> None:
    assert 0.5 * risk <= greatest_chance(cases, risk) <= risk * (1 + 1e-9)


@pytest.mark.parametrize("risk", [0.25, 0.3, 0.49])
@pytest.mark.parametrize("cases", [(1, 40), (5, 60), (12, 30)], ids=str)
def test_a_great_risk_is_not_exceeded_either(cases: tuple[int, int], risk: float) -> None:
    assert greatest_chance(cases, risk) <= risk * (1 + 1e-9)
    assert least_right([5], [2], risk) == least_right([5], [2], MOST_RISK)


def test_two_hits_and_more_are_bounded_as_scipy_bounds_them_and_one_a_little_lower() -> None:
    for hits, alarms in itertools.product((2, 3, 20, 500), (0, 1, 30, 4000)):
        assert least_right(hits, alarms, 0.05) == pytest.approx(least(hits, hits + alarms, 0.95), rel=1e-9)
    for alarms in (0, 1, 30, 4000):
        assert least_right(1, alarms, 0.05) == pytest.approx(0.05 / (1 + alarms))
        assert 0.97 < least_right(1, alarms, 0.05) / least(1, 1 + alarms, 0.95) <= 1
    assert least_right([0, 0], [0, 9], 0.05).tolist() == [0.0, 0.0]


def test_more_hits_bound_higher_and_more_alarms_lower() -> None:
    bounds = ratios((30, 40), 0.05)
    assert (np.diff(bounds, axis=0) > 0).all()
    assert (np.diff(bounds[1:], axis=1) < 0).all()


def test_an_npv_is_a_precision_with_the_kinds_changed_over() -> None:
    precision = Promise(figure="precision", at_least=0.5, confidence=0.95, prevalence=0.3)
    npv = Promise(figure="npv", at_least=0.5, confidence=0.95, prevalence=0.7)
    counts = Counts(hits=50, misses=9, alarms=7, clears=81)
    turned = Counts(clears=50, alarms=9, misses=7, hits=81)
    assert precision.carried(counts) == pytest.approx(npv.carried(turned))
