from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional

from models.costs import Costs
from training.losses.absolute_error import AbsoluteError
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_error import SquaredError
from training.losses.squared_size import SquaredSize

LOGITS = torch.linspace(-6, 6, 41)
TARGETS = (torch.arange(41) % 3 == 0).float()


@pytest.mark.parametrize(("miss", "false_alarm"), [(1.0, 1.0), (1000.0, 1.0), (1.0, 1000.0), (0.25, 7.0)])
def test_cost_weighted_is_the_log_loss_of_scikit_learn_with_prices_as_sample_weights(
    miss: float, false_alarm: float
) -> None:
    values = CostWeighted(costs=Costs(miss=miss, false_alarm=false_alarm))(LOGITS, TARGETS)
    wanted = log_loss(
        TARGETS.numpy(),
        torch.sigmoid(LOGITS.double()).numpy(),
        sample_weight=np.where(TARGETS > 0, miss, false_alarm),
        normalize=False,
    )
    assert values.double().sum().item() == pytest.approx(wanted, rel=1e-5)


def test_without_prices_it_is_plain_cross_entropy() -> None:
    wanted = functional.binary_cross_entropy_with_logits(LOGITS, TARGETS, reduction="none")
    assert torch.equal(CostWeighted()(LOGITS, TARGETS), wanted)


@pytest.mark.parametrize(("miss", "false_alarm"), [(9.0, 1.0), (1.0, 50.0)])
def test_the_best_constant_logit_is_the_true_one_and_the_log_ratio(miss: float, false_alarm: float) -> None:
    loss = CostWeighted(costs=Costs(miss=miss, false_alarm=false_alarm))
    targets = torch.tensor([1.0] * 2 + [0.0] * 8, dtype=torch.float64)
    wanted = math.log(2 / 8) + loss.log_ratio
    grid = [loss(torch.full((10,), wanted + step, dtype=torch.float64), targets).sum() for step in (-0.01, 0.0, 0.01)]
    assert min(grid) == grid[1]
    assert loss.log_ratio == pytest.approx(math.log(miss / false_alarm))


def test_errors_are_those_of_numpy_and_add_nothing_to_a_logit() -> None:
    wanted = LOGITS.numpy() - TARGETS.numpy()
    assert np.array_equal(AbsoluteError()(LOGITS, TARGETS).numpy(), np.abs(wanted))
    assert np.array_equal(SquaredError()(LOGITS, TARGETS).numpy(), wanted**2)
    assert np.array_equal(SquaredSize()(LOGITS, None).numpy(), LOGITS.numpy() ** 2 / 2)
    assert [loss.log_ratio for loss in (AbsoluteError(), SquaredError(), SquaredSize())] == [0.0, 0.0, 0.0]


def test_absolute_error_pulls_to_the_median_and_squared_error_to_the_mean() -> None:
    labels = torch.tensor([0.0, 1.0, 2.0, 3.0, 100.0])
    answers = torch.linspace(0, 100, 1001)
    for loss, wanted in ((AbsoluteError(), 2.0), (SquaredError(), 21.2)):
        costs = torch.stack([loss(answer.expand(5), labels).sum() for answer in answers])
        assert answers[costs.argmin()].item() == pytest.approx(wanted, abs=0.05)


def test_a_size_is_compared_with_nothing() -> None:
    with pytest.raises(ValueError) as caught:
        SquaredSize()(torch.zeros(2), torch.zeros(2))
    assert str(caught.value) == "Expected nothing to compare with, got a target (2,)."
