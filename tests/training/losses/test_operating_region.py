"""RecallAtPrecision and PrecisionAtRecall: a promise that is learnt to be kept, at the least cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import optimize
from torch import nn

from training.loss import Learning
from training.losses.precision_at_recall import PrecisionAtRecall
from training.losses.recall_at_precision import RecallAtPrecision
from training.operating_region import REACH, OperatingRegion
from training.undo import _found

LOSSES: list[RecallAtPrecision | PrecisionAtRecall] = [RecallAtPrecision(), PrecisionAtRecall()]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


@dataclass(frozen=True)
class Linear:
    """Two numbers a row, 15 % sick: everything about it can be solved by a general optimiser."""

    columns: NDArray[np.float64]
    targets: NDArray[np.float64]

    def mistakes(self, weights: NDArray[np.float64]) -> tuple[float, float]:
        """Misses and false alarms, each by its bound, as shares of all rows."""
        logits = self.columns @ weights[:2] + weights[2]
        missed, alarmed = np.logaddexp(0, -logits) / math.log(2), np.logaddexp(0, logits) / math.log(2)
        return float((self.targets * missed).mean()), float(((1 - self.targets) * alarmed).mean())


def linear() -> Linear:
    draw = np.random.default_rng(0)
    targets = (draw.random(400) < 0.15).astype(float)
    return Linear(draw.normal(size=(400, 2)) + targets[:, None] * np.array([2.5, 1.5]), targets)


def trained(loss: Learning, problem: Linear, steps: int) -> tuple[NDArray[np.float64], OperatingRegion]:
    """Weights and bias at the learnt threshold, and what learnt beside them; one optimizer for all."""
    columns = torch.tensor(problem.columns, dtype=torch.float32)
    targets = torch.tensor(problem.targets, dtype=torch.float32)
    torch.manual_seed(0)
    net, region = nn.Linear(2, 1), loss.told(targets).companion(1)
    assert isinstance(region, OperatingRegion)
    optimizer = torch.optim.Adam([*net.parameters(), *region.parameters()], lr=0.05)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.05 if step < steps / 2 else 0.0125
        optimizer.zero_grad()
        region(net(columns).squeeze(1), targets).mean().backward()
        optimizer.step()
    weights = torch.cat([net.weight[0], net.bias - region.threshold]).detach().double().numpy()
    return weights, region


def test_the_most_recall_at_a_precision_is_what_a_constrained_optimiser_finds() -> None:
    problem, odds = linear(), 0.6 / 0.4
    share = problem.targets.mean()
    best = optimize.minimize(
        lambda weights: problem.mistakes(weights)[0],
        [0.1, 0.1, -1.0],
        constraints=[
            {
                "type": "ineq",
                "fun": lambda w: share - problem.mistakes(w)[0] - odds * problem.mistakes(w)[1],
            }
        ],
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert best.success
    weights, region = trained(RecallAtPrecision(precision=0.6), problem, 2000)
    missed, alarmed = problem.mistakes(weights)
    assert missed + odds * alarmed == pytest.approx(share, rel=0.01)
    assert missed == pytest.approx(best.fun, rel=0.01)
    # The weights are the last to settle: a common factor of them changes hardly anything.
    assert weights == pytest.approx(best.x, rel=0.05)
    assert float(region.multiplier().detach()) == pytest.approx(float(best.multipliers[0]), rel=0.05)


def test_the_most_precision_at_a_recall_is_what_a_constrained_optimiser_finds() -> None:
    problem, recall = linear(), 0.95
    share = problem.targets.mean()
    best = optimize.minimize(
        lambda weights: problem.mistakes(weights)[1],
        [0.1, 0.1, -1.0],
        constraints=[{"type": "ineq", "fun": lambda w: (1 - recall) * share - problem.mistakes(w)[0]}],
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert best.success
    weights, region = trained(PrecisionAtRecall(recall=recall), problem, 2000)
    missed, alarmed = problem.mistakes(weights)
    assert missed == pytest.approx((1 - recall) * share, rel=0.01)
    assert alarmed == pytest.approx(best.fun, rel=0.01)
    # The weights are the last to settle: a common factor of them changes hardly anything.
    assert weights == pytest.approx(best.x, rel=0.05)
    assert float(region.multiplier().detach()) == pytest.approx(float(best.multipliers[0]), rel=0.05)


def test_where_nothing_keeps_the_precision_it_comes_as_near_as_can_be() -> None:
    problem, odds = linear(), 0.95 / 0.05

    def short(weights: NDArray[np.float64]) -> float:
        missed, alarmed = problem.mistakes(weights)
        return missed + odds * alarmed - problem.targets.mean()

    best = optimize.minimize(short, [0.1, 0.1, -1.0], method="BFGS")
    assert best.fun > 0.2
    weights, region = trained(RecallAtPrecision(precision=0.95), problem, 2000)
    assert short(weights) == pytest.approx(best.fun, abs=1e-3)
    assert float(region.multiplier().detach()) > REACH / 2


EPOCHS = 80


@dataclass(frozen=True)
class Counted:
    """What a network does at its learnt threshold: true figures, and those by the bound, for each of the sick."""

    recall: float
    precision: float
    bound_of_misses: float
    bound_of_alarms: float


def trained_in_batches(loss: Learning) -> Counted:
    """A linear network on 4,000 rows, one in 20 sick, 200 rows a step."""
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(4000, generator=generator) < 0.05).float()
    columns = torch.randn(4000, 2, generator=generator) + targets[:, None] * torch.tensor([3.0, 2.0])
    torch.manual_seed(1)
    net, region = nn.Linear(2, 1), loss.told(targets).companion(1)
    assert isinstance(region, OperatingRegion)
    optimizer = torch.optim.Adam([*net.parameters(), *region.parameters()], lr=0.05)
    for epoch in range(EPOCHS):
        optimizer.param_groups[0]["lr"] = 0.05 / 4 ** (3 * epoch // EPOCHS)
        for rows in torch.randperm(len(targets), generator=generator).split(200):
            optimizer.zero_grad()
            region(net(columns[rows]).squeeze(1), targets[rows]).mean().backward()
            optimizer.step()
    with torch.no_grad():
        logits = net(columns).squeeze(1) - region.threshold
        sick, flagged = targets > 0, logits > 0
        hit = float((flagged & sick).sum())
        return Counted(
            recall=hit / float(sick.sum()),
            precision=hit / float(flagged.sum()),
            bound_of_misses=float(nn.functional.softplus(-logits[sick]).sum()) / math.log(2) / float(sick.sum()),
            bound_of_alarms=float(nn.functional.softplus(logits[~sick]).sum()) / math.log(2) / float(sick.sum()),
        )


def test_in_batches_one_in_20_the_bound_of_precision_is_met_and_the_precision_kept() -> None:
    found = trained_in_batches(RecallAtPrecision(precision=0.5))
    assert found.bound_of_misses + found.bound_of_alarms == pytest.approx(1.0, abs=0.1)
    assert found.precision >= 0.5
    assert found.recall > 0.8


def test_in_batches_one_in_20_the_bound_of_recall_is_met_and_the_recall_kept() -> None:
    found = trained_in_batches(PrecisionAtRecall(recall=0.9))
    assert found.bound_of_misses == pytest.approx(0.1, abs=0.005)
    assert found.recall >= 0.9
    assert found.precision > 0.5


@every_loss
@pytest.mark.parametrize("share", [0.003, 0.2, 0.9])
def test_the_probability_behind_a_logit_can_be_worked_out(
    loss: RecallAtPrecision | PrecisionAtRecall, share: float
) -> None:
    region = loss.companion(1).double()
    with torch.no_grad():
        region.threshold.fill_(-1.3)
        region.log_multiplier.fill_(0.7)

    def expected(logit: float) -> float:
        with torch.no_grad():
            sick, healthy = region(torch.tensor([logit, logit]).double(), torch.tensor([1.0, 0.0]).double())
        return share * float(sick) + (1 - share) * float(healthy)

    best = optimize.minimize_scalar(expected, bounds=(-20.0, 20.0), method="bounded", options={"xatol": 1e-9})
    found = _found([region], [1.0])
    assert found["undo"] == "shift"
    assert best.x - found["loss_log_ratio"] == pytest.approx(math.log(share / (1 - share)), abs=1e-4)


@every_loss
def test_the_multiplier_is_moved_uphill_and_the_threshold_downhill(
    loss: RecallAtPrecision | PrecisionAtRecall,
) -> None:
    region = loss.companion(1).double()
    output, target = torch.tensor([-1.0, 2.0, 0.4]).double(), torch.tensor([1.0, 0.0, 1.0]).double()

    def lagrangian() -> float:
        with torch.no_grad():
            return float(region(output, target).sum() * (1 + region.multiplier()))

    start = float(1 + region.multiplier().detach())
    region(output, target).sum().backward()
    for weight, sign in ((region.threshold, 1), (region.log_multiplier, -1)):
        with torch.no_grad():
            weight.add_(1e-6)
            up = lagrangian()
            weight.sub_(2e-6)
            down = lagrangian()
            weight.add_(1e-6)
        assert weight.grad is not None
        assert float(weight.grad) * start == pytest.approx(sign * (up - down) / 2e-6, rel=1e-5)


@every_loss
@pytest.mark.parametrize("end", ["upper", "lower"])
def test_the_multiplier_stays_in_its_range_and_comes_back(
    loss: RecallAtPrecision | PrecisionAtRecall, end: str
) -> None:
    region = loss.companion(1)
    with torch.no_grad():
        region.log_multiplier.fill_(30.0 if end == "upper" else -30.0)
    ratio = float(region.multiplier().detach() / region.start)
    assert ratio == pytest.approx(REACH if end == "upper" else 1 / REACH, rel=1e-4)
    kept = torch.tensor([20.0, -20.0])
    moves = []
    for output in (kept, -kept):
        region.zero_grad()
        region(output, torch.tensor([1.0, 0.0])).sum().backward()
        assert region.log_multiplier.grad is not None
        moves.append(-float(region.log_multiplier.grad))
    # From the upper end it moves, and downwards, only when the promise is kept; from the lower only when it is not.
    falls, rises = moves
    assert (falls < 0) == (end == "upper")
    assert (rises > 0) == (end == "lower")
    assert falls == 0 or rises == 0


def test_a_miss_begins_at_the_price_of_the_negatives_for_each_positive() -> None:
    targets = torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert PrecisionAtRecall().told(targets) == PrecisionAtRecall(start=3.0)
    assert float(PrecisionAtRecall().told(targets).companion(1).multiplier().detach()) == 3.0
    assert PrecisionAtRecall(start=7.0).told(targets) == PrecisionAtRecall(start=7.0)
    for one_kind in (torch.zeros(3), torch.ones(3)):
        assert PrecisionAtRecall().told(one_kind) == PrecisionAtRecall()


@every_loss
def test_a_mismatch_names_both_shapes(loss: RecallAtPrecision | PrecisionAtRecall) -> None:
    with pytest.raises(ValueError) as caught:
        loss(torch.zeros(3), torch.zeros(3, 1))
    assert str(caught.value) == "Expected one shape, got output (3,), target (3, 1)."
