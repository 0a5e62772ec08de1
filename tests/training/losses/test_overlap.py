"""Losses of a whole batch: how far its alarms and its patients agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import fbeta_score, jaccard_score

from training.losses.soft_f_beta import SoftFBeta
from training.losses.tversky import Tversky

LOGITS = torch.linspace(-4, 5, 37, dtype=torch.float64)
TARGETS = (torch.arange(37) % 5 == 0).double()
DECIDED = torch.where(torch.arange(37) % 3 == 0, 1e4, -1e4)  # as good as decisions
batch_losses = pytest.mark.parametrize("loss", [Tversky(), SoftFBeta(), SoftFBeta(beta=3.0)], ids=repr)


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.7), (0.0, 1.0), (5.0, 0.01)])
def test_the_mean_is_the_tversky_index_of_the_batch_and_a_row_has_the_part_of_its_own_error(
    alpha: float, beta: float
) -> None:
    hits = false_alarms = misses = 0.0
    own = []
    for logit, target in zip(LOGITS.tolist(), TARGETS.tolist(), strict=True):
        p = 1 / (1 + math.exp(-logit))
        hits += p * target
        false_alarms += p * (1 - target)
        misses += (1 - p) * target
        own.append(beta * (1 - p) if target else alpha * p)
    found = Tversky(alpha=alpha, beta=beta)(LOGITS, TARGETS)
    assert found.mean().item() == pytest.approx(1 - hits / (hits + alpha * false_alarms + beta * misses))
    assert (found / found.sum()).tolist() == pytest.approx((np.array(own) / sum(own)).tolist())


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_of_decisions_it_is_1_less_the_f_score_of_scikit_learn(beta: float) -> None:
    wanted = 1 - fbeta_score(TARGETS.numpy(), DECIDED.numpy() > 0, beta=beta)
    assert SoftFBeta(beta=beta)(DECIDED, TARGETS.float()).mean().item() == pytest.approx(wanted, rel=1e-6)


def test_with_both_prices_1_it_is_1_less_the_jaccard_index_of_scikit_learn() -> None:
    wanted = 1 - jaccard_score(TARGETS.numpy(), DECIDED.numpy() > 0)
    assert Tversky(alpha=1.0, beta=1.0)(DECIDED, TARGETS.float()).mean().item() == pytest.approx(wanted, rel=1e-6)


def test_a_higher_beta_pulls_harder_on_patients_than_on_the_healthy() -> None:
    pulls = []
    for beta in (0.5, 2.0):
        logits = torch.zeros(4, requires_grad=True)
        SoftFBeta(beta=beta)(logits, torch.tensor([1.0, 0.0, 0.0, 0.0])).mean().backward()
        assert logits.grad is not None
        assert logits.grad[0] < 0 < logits.grad[1]
        pulls.append((-logits.grad[0] / logits.grad[1]).item())
    assert pulls[0] < pulls[1]


@batch_losses
def test_all_right_costs_nothing_and_all_wrong_costs_1(loss: Tversky | SoftFBeta) -> None:
    right = torch.where(TARGETS > 0, 1e4, -1e4)
    assert loss(right, TARGETS.float()).mean().item() == 0
    assert loss(-right, TARGETS.float()).mean().item() == pytest.approx(1)


@batch_losses
@pytest.mark.parametrize("logit", [-1e4, 0.0, 1e4])
def test_a_batch_without_positives_costs_nothing_and_pulls_on_nothing(loss: Tversky | SoftFBeta, logit: float) -> None:
    logits = torch.full((5,), logit, requires_grad=True)
    found = loss(logits, torch.zeros(5))
    found.mean().backward()
    assert torch.equal(found, torch.zeros(5))
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros(5))


@batch_losses
def test_a_batch_of_positives_only_is_pulled_up(loss: Tversky | SoftFBeta) -> None:
    logits = torch.zeros(5, requires_grad=True)
    loss(logits, torch.ones(5)).mean().backward()
    assert logits.grad is not None
    assert (logits.grad < 0).all()
