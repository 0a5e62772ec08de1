"""Losses of numbers and counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import special, stats
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_poisson_deviance, mean_squared_error
from torch.nn import functional

from training.loss import Loss
from training.losses.absolute_error import AbsoluteError
from training.losses.huber import Huber
from training.losses.poisson import Poisson
from training.losses.quantile import Quantile
from training.losses.squared_error import SquaredError

OUTPUTS = torch.linspace(-6, 6, 41, dtype=torch.float64)
TARGETS = torch.sin(torch.arange(41)).double()
COUNTS = (torch.arange(41) % 7).double()


def test_errors_are_those_of_scikit_learn() -> None:
    for loss, wanted in ((AbsoluteError(), mean_absolute_error), (SquaredError(), mean_squared_error)):
        assert loss(OUTPUTS, TARGETS).mean().item() == pytest.approx(wanted(TARGETS.numpy(), OUTPUTS.numpy()))


@pytest.mark.parametrize("delta", [0.1, 1.0, 4.0])
def test_huber_is_that_of_scipy(delta: float) -> None:
    wanted = special.huber(delta, (OUTPUTS - TARGETS).numpy())
    assert np.allclose(Huber(delta=delta)(OUTPUTS, TARGETS).numpy(), wanted)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_quantile_is_the_pinball_loss_of_scikit_learn(level: float) -> None:
    wanted = mean_pinball_loss(TARGETS.numpy(), OUTPUTS.numpy(), alpha=level)
    assert Quantile(level=level)(OUTPUTS, TARGETS).mean().item() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("loss", "wanted"),
    [
        (AbsoluteError(), 2.0),
        (SquaredError(), 21.2),
        (Huber(delta=1e6), 21.2),
        (Huber(delta=1e-6), 2.0),
        (Quantile(level=0.5), 2.0),
        (Quantile(level=0.7), 3.0),
        (Quantile(level=0.1), 0.0),
    ],
    ids=repr,
)
def test_the_best_constant_is_the_mean_the_median_or_the_quantile(loss: Loss, wanted: float) -> None:
    labels = torch.tensor([0.0, 1.0, 2.0, 3.0, 100.0], dtype=torch.float64)
    answers = torch.linspace(0, 100, 1001, dtype=torch.float64)
    costs = torch.stack([loss(answer.expand(5), labels).sum() for answer in answers])
    assert answers[costs.argmin()].item() == pytest.approx(wanted, abs=0.05)


def test_poisson_is_the_deviance_of_scikit_learn_and_of_scipys_likelihood() -> None:
    found = Poisson()(OUTPUTS, COUNTS)
    counts, rates = COUNTS.numpy(), OUTPUTS.exp().numpy()
    assert found.mean().item() == pytest.approx(mean_poisson_deviance(counts, rates))
    wanted = 2 * (stats.poisson.logpmf(counts, counts) - stats.poisson.logpmf(counts, rates))
    assert np.allclose(found.numpy(), wanted)


def test_poisson_pulls_as_twice_the_negative_log_likelihood_of_torch() -> None:
    logs = OUTPUTS.clone().requires_grad_()
    (found,) = torch.autograd.grad(Poisson()(logs, COUNTS).sum(), logs)
    (wanted,) = torch.autograd.grad(functional.poisson_nll_loss(logs, COUNTS, reduction="sum"), logs)
    torch.testing.assert_close(found, 2 * wanted)


def test_poisson_goes_on_as_a_straight_line_above_a_log_rate_of_20() -> None:
    logs = torch.tensor([20.0, 21.0, 520.0], dtype=torch.float64)
    for count in (0.0, 3.0):
        found = Poisson()(logs, torch.full_like(logs, count))
        at_20 = 2 * (special.xlogy(count, count) - count * 20 - count + math.exp(20))
        slope = 2 * (math.exp(20) - count)
        assert found.tolist() == pytest.approx([at_20, at_20 + slope, at_20 + 500 * slope], rel=1e-12)


@pytest.mark.parametrize("count", [1e6, 1e9, 1e12, 1e30])
def test_an_enormous_count_still_costs_least_at_its_own_logarithm(count: float) -> None:
    logs = math.log(count) + torch.tensor([-1.0, -0.001, 0.0, 0.001, 1.0, 5.0, 9e3])
    found = Poisson()(logs, torch.full_like(logs, count))
    assert (found >= 0).all()
    assert (found[:2] > found[1:3]).all()
    assert (found[3:] > found[2:-1]).all()
    assert torch.isfinite(found).all()


def test_near_a_large_count_poisson_keeps_its_digits_in_single_precision() -> None:
    logs = torch.tensor([math.log(1e6) + 0.01])
    exact = 2e6 * (math.expm1(logs.double().item() - math.log(1e6)) - (logs.double().item() - math.log(1e6)))
    assert Poisson()(logs, torch.tensor([1e6])).item() == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("count", [-1.0, math.nan])
def test_a_count_below_0_is_refused(count: float) -> None:
    with pytest.raises(ValueError) as caught:
        Poisson()(torch.zeros(2), torch.tensor([0.0, count]))
    assert str(caught.value) == f"Expected counts of 0 or more, got {count}."
