from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional

from models.costs import Costs
from training.losses.cost_weighted import CostWeighted

LOGITS = torch.linspace(-6, 6, 41)
TARGETS = (torch.arange(41) % 3 == 0).float()


@pytest.mark.parametrize(("miss", "false_alarm"), [(1.0, 1.0), (1000.0, 1.0), (1.0, 1000.0), (0.25, 7.0)])
def test_it_is_the_log_loss_of_scikit_learn_with_prices_as_sample_weights(miss: float, false_alarm: float) -> None:
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
def test_the_best_constant_logit_is_the_true_one_and_the_log_ratio_of_the_prices(
    miss: float, false_alarm: float
) -> None:
    loss = CostWeighted(costs=Costs(miss=miss, false_alarm=false_alarm))
    targets = torch.tensor([1.0] * 2 + [0.0] * 8, dtype=torch.float64)
    wanted = math.log(2 / 8) + math.log(miss / false_alarm)
    grid = [loss(torch.full((10,), wanted + step, dtype=torch.float64), targets).sum() for step in (-0.01, 0.0, 0.01)]
    assert min(grid) == grid[1]
