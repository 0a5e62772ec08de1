from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special
from sklearn.linear_model import LogisticRegression

from models.calibration import Calibration, Reliability, shift
from models.costs import Costs

Numbers = NDArray[np.float64]


def line(x: Numbers, y: Numbers, weights: Numbers | None = None) -> tuple[float, float]:
    """Slope and intercept by scikit-learn, without a penalty."""
    found = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(x[:, None], y, sample_weight=weights)
    return float(found.coef_[0, 0]), float(found.intercept_[0])


def people(rows: int, intercept: float, seed: int = 0) -> tuple[Numbers, Numbers]:
    """True logits and who is sick."""
    random = np.random.default_rng(seed)
    logits = random.normal(intercept, 1.5, rows)
    return logits, (random.random(rows) < special.expit(logits)).astype(float)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (3.0, 2.0), (0.2, -5.0), (1e-3, 40.0), (100.0, -900.0)])
def test_reliability_is_the_logistic_fit_of_scikit_learn(slope: float, offset: float) -> None:
    x, y = people(3000, -2.0)
    raw = slope * x + offset
    found = Reliability.of(raw, y)
    wanted = line(x, y)
    # On x the reference is well scaled; on slope * x + offset the same line reads so:
    assert found.slope == pytest.approx(wanted[0] / slope, rel=1e-4)
    assert found.intercept == pytest.approx(wanted[1] - wanted[0] * offset / slope, rel=1e-4, abs=1e-4)
    assert found.observed_over_expected == pytest.approx(y.sum() / special.expit(raw).sum())
    assert found.brier == pytest.approx(np.mean((special.expit(raw) - y) ** 2))
    assert (found.rows, found.positives) == (3000, int(y.sum()))


@pytest.mark.parametrize("intercept", [-6.0, -2.0, 1.0])
def test_the_fitted_map_is_platt_s_as_scikit_learn_fits_it(intercept: float) -> None:
    x, y = people(20_000, intercept, seed=1)
    raw = 2.5 * x - 3.0
    found = Calibration(prevalence=0.5).fit(raw, y)
    # Smoothed targets as weighted cases of both kinds, Platt 1999.
    positives, negatives = y.sum(), (1 - y).sum()
    smooth = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    both = np.concatenate([raw, raw]), np.concatenate([np.ones_like(y), np.zeros_like(y)])
    wanted = line(*both, np.concatenate([smooth, 1 - smooth]))
    assert (found.slope, found.intercept) == pytest.approx(wanted, rel=1e-3)
    assert found.prevalence == y.mean()
    assert found.fitted is not None
    assert found.undone is not None
    assert found.fitted.slope == pytest.approx(1, abs=0.05)
    assert found.fitted.observed_over_expected == pytest.approx(1, abs=0.02)
    assert found.undone.slope == pytest.approx(found.slope * found.fitted.slope, rel=1e-3)


@pytest.mark.parametrize("miss", [0.1, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize("oversampling", [1.0, 50.0, 1000.0])
def test_pitfall_the_undo_takes_every_weight_and_every_rate_away_again(miss: float, oversampling: float) -> None:
    """A logistic fit with loss weights and sampling rates, as exact expected weights, ends at the truth again."""
    x, y = people(60_000, -4.0, seed=2)
    costs = Costs(miss=miss)
    slope, intercept = line(x, y, np.where(y > 0, costs.miss * oversampling, costs.false_alarm))
    raw = slope * x + intercept
    distorted = Reliability.of(raw, y)
    calibration = Calibration(
        loss_log_ratio=costs.log_ratio, sampling_log_ratio=math.log(oversampling), prevalence=float(y.mean())
    )
    undone = Reliability.of(calibration.logits(raw), y)
    assert 0.9 < undone.observed_over_expected < 1.1
    assert 0.9 < undone.slope < 1.1
    if miss * oversampling >= 1000:
        assert distorted.observed_over_expected < 0.1


def test_the_undo_is_exact_to_the_last_bits() -> None:
    truth = np.linspace(-9, 9, 1001)
    distorted = truth + math.log(49.0 / 2.0) + math.log(7.0 / 0.5)
    calibration = Calibration(
        loss_log_ratio=Costs(miss=49.0, false_alarm=2.0).log_ratio,
        sampling_log_ratio=math.log(7.0 / 0.5),
        prevalence=0.1,
    )
    assert np.abs(calibration.logits(distorted) - truth).max() < 1e-13


def test_the_map_comes_after_the_undo() -> None:
    calibration = Calibration(loss_log_ratio=1.0, sampling_log_ratio=0.5, slope=2.0, intercept=0.25, prevalence=0.1)
    assert calibration.logits([3.0]).tolist() == [2.0 * (3.0 - 1.5) + 0.25]


def test_a_fit_keeps_the_undo_and_forgets_an_earlier_map() -> None:
    x, y = people(2000, -1.0)
    first = Calibration(loss_log_ratio=2.0, sampling_log_ratio=1.0, prevalence=0.5)
    again = first.model_copy(update={"slope": 9.0, "intercept": 3.0}).fit(x + 3.0, y)
    assert again == first.fit(x + 3.0, y)
    assert (again.loss_log_ratio, again.sampling_log_ratio) == (2.0, 1.0)
    assert again.slope == pytest.approx(1.0, abs=0.15)


def test_a_fit_keeps_every_order() -> None:
    x, y = people(500, 0.0)
    calibrated = Calibration(prevalence=0.5).fit(x, y).logits(x)
    assert np.array_equal(np.argsort(x, kind="stable"), np.argsort(calibrated, kind="stable"))


def test_separated_cases_get_a_finite_map_that_is_not_too_sure() -> None:
    x = np.concatenate([np.linspace(-3, -1, 20), np.linspace(1, 3, 20)])
    found = Calibration(prevalence=0.5).fit(x, x > 0)
    assert 0 < found.slope < 10
    # Platt's smoothing: the surest of 20 is about 21/22 sick, and never 1.
    assert 0.9 < special.expit(found.logits([3.0]))[0] < 0.999


def test_logits_that_are_all_alike_get_the_prevalence() -> None:
    found = Calibration(prevalence=0.5).fit(np.full(40, 7.0), np.arange(40) < 10)
    assert found.slope == 1.0
    assert special.expit(found.logits([7.0]))[0] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("logits", "targets", "text"),
    [
        ([1.0, 2.0], [0, 0], "Calibration needs cases of both kinds, got 0 positives of 2."),
        ([1.0, 2.0], [1, 1], "Calibration needs cases of both kinds, got 2 positives of 2."),
        ([], [], "Calibration needs cases of both kinds, got 0 positives of 0."),
        ([1.0, 2.0], [1], "Expected one shape, got logits (2,), targets (1,)."),
        ([[1.0], [2.0]], [[0], [1]], "Expected one shape, got logits (2, 1), targets (2, 1)."),
        ([1.0, float("nan")], [0, 1], "Logits should be finite, got 1 of 2 that are not."),
        ([-np.inf, np.inf], [0, 1], "Logits should be finite, got 2 of 2 that are not."),
    ],
)
def test_what_can_not_be_calibrated_is_refused(logits: list[float], targets: list[int], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Calibration(prevalence=0.5).fit(logits, targets)
    assert str(caught.value) == text


def test_a_model_that_is_the_wrong_way_round_is_refused() -> None:
    x, y = people(1000, 0.0)
    with pytest.raises(
        ValueError, match=r"^Higher logits should mean more sick, got slope -[01]\.\d+ on 1000 cases\.$"
    ):
        Calibration(prevalence=0.5).fit(-x, y)


def test_logits_of_thousands_are_nothing_special() -> None:
    found = Reliability.of([-3000.0, -1000.0, 1000.0, 3000.0] * 5, [0, 0, 1, 1] * 4 + [0, 1, 0, 1])
    assert math.isfinite(found.slope)
    assert found.slope > 0


@pytest.mark.parametrize("to", [0.001, 0.04, 0.08, 0.5, 0.999])
def test_the_prevalence_shift_is_bayes_by_counting(to: float) -> None:
    """One symptom, seen in 60 % of the sick and 5 % of the healthy: count people at each prevalence."""
    sick_here, healthy_here = 0.08 * 0.6, 0.92 * 0.05
    here = special.logit(sick_here / (sick_here + healthy_here))
    sick_there, healthy_there = to * 0.6, (1 - to) * 0.05
    there = special.expit(shift([here], prevalence=0.08, to=to))[0]
    assert there == pytest.approx(sick_there / (sick_there + healthy_there), rel=1e-12)


def test_a_shift_and_back_is_none() -> None:
    x = np.linspace(-20, 20, 401)
    back = shift(shift(x, prevalence=0.2, to=0.001), prevalence=0.001, to=0.2)
    assert np.allclose(back, x, atol=1e-13)
    assert np.array_equal(shift(x, prevalence=0.3, to=0.3), x)
