"""PairwiseAUC, OneWayPartialAUC, TwoWayPartialAUC: pairs in a slow loop, and curves of scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from training.loss import Loss
from training.losses.one_way_partial_auc import OneWayPartialAUC
from training.losses.pairwise_auc import PairwiseAUC
from training.losses.two_way_partial_auc import TwoWayPartialAUC
from training.pairs import hardest, paired

PRICES: dict[str, Callable[[float], float]] = {
    "squared hinge": lambda lack: max(lack, 0.0) ** 2,
    "logistic": lambda lack: math.log1p(math.exp(lack)),
}
LOSSES: list[PairwiseAUC | OneWayPartialAUC | TwoWayPartialAUC] = [
    PairwiseAUC(),
    PairwiseAUC(surrogate="logistic", margin=0.3),
    OneWayPartialAUC(false_positive_rate=0.25),
    OneWayPartialAUC(false_positive_rate=0.1, surrogate="logistic"),
    TwoWayPartialAUC(recall=0.5, false_positive_rate=0.25),
    TwoWayPartialAUC(recall=0.7, false_positive_rate=0.3, surrogate="logistic", margin=0.0),
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)


def batch(seed: int, rows: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    targets = (torch.arange(rows) % 3 == 0).double()
    return torch.randn(rows, generator=generator, dtype=torch.float64) + 0.8 * targets, targets


def step(gap: torch.Tensor) -> torch.Tensor:
    """The price of a pair without a surrogate: 1 where it is in the wrong order."""
    return (gap < 0).double()


def share_of(values: list[float], share: float) -> list[tuple[float, float]]:
    """The highest `share` of values, each with its weight, one after the other until the share is used up."""
    left, kept = share * len(values), []
    for value in sorted(values, reverse=True):
        kept.append((value, min(1.0, left)))
        left -= kept[-1][1]
        if left <= 1e-9:
            break
    return kept


@every_loss
@pytest.mark.parametrize("seed", [0, 1])
def test_the_mean_over_rows_is_the_mean_over_pairs(loss: Loss, seed: int) -> None:
    assert isinstance(loss, PairwiseAUC | OneWayPartialAUC | TwoWayPartialAUC)
    output, target = batch(seed)
    recall = loss.recall if isinstance(loss, TwoWayPartialAUC) else 0.0
    rate = 1.0 if isinstance(loss, PairwiseAUC) else loss.false_positive_rate
    low = share_of([-float(value) for value in output[target == 1]], 1 - recall)
    high = share_of([float(value) for value in output[target == 0]], rate)
    total = weights = 0.0
    for minus_positive, positive_weight in low:
        for negative, negative_weight in high:
            weight = positive_weight * negative_weight
            total += weight * PRICES[loss.surrogate](loss.margin + minus_positive + negative)
            weights += weight
    assert float(loss(output, target).mean()) == pytest.approx(total / weights, rel=1e-9)


def test_a_row_has_half_of_what_its_own_pairs_cost() -> None:
    output, target = torch.tensor([0.5, 2.0, 0.0, 1.0]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    # Pairs: 0.5-0 costs 0.25, 0.5-1 costs 2.25, the others nothing; four pairs, four rows.
    assert PairwiseAUC()(output, target).tolist() == [1.25, 0.0, 0.125, 1.125]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_a_step_for_the_surrogate_it_is_the_area_over_the_curve(seed: int) -> None:
    output, target = batch(seed)
    assert float(paired(output, target, step).mean()) == pytest.approx(1 - roc_auc_score(target, output), abs=1e-12)


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.33, 0.9])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_a_step_for_the_surrogate_it_is_the_partial_area(seed: int, rate: float) -> None:
    output, target = batch(seed)
    standard = roc_auc_score(target, output, max_fpr=rate)
    # scikit-learn's figure is McClish's: 0.5 for chance, 1 for the whole area.
    chance = rate**2 / 2
    area = chance + (2 * standard - 1) * (rate - chance)
    assert float(paired(output, target, step, negatives=rate).mean()) == pytest.approx(1 - area / rate, abs=1e-12)


@pytest.mark.parametrize("recall", [0.0, 0.5, 0.77])
@pytest.mark.parametrize("rate", [0.1, 0.33, 1.0])
def test_with_a_step_for_the_surrogate_it_is_the_area_in_the_corner(recall: float, rate: float) -> None:
    output, target = batch(3)
    rates, recalls, _ = roc_curve(target, output, drop_intermediate=False)
    area = sum(
        max(high - recall, 0.0) * (min(right, rate) - left)
        for left, right, high in zip(rates[:-1], rates[1:], recalls[1:], strict=True)
        if left < rate
    )
    found = paired(output, target, step, positives=1 - recall, negatives=rate)
    assert float(found.mean()) == pytest.approx(1 - area / (rate * (1 - recall)), abs=1e-12)


@every_loss
@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_a_batch_of_one_kind_costs_nothing_and_pulls_on_nothing(loss: Loss, kind: float) -> None:
    output = torch.tensor([1.0, -3.0, 1e4], requires_grad=True)
    values = loss(output, torch.full((3,), kind))
    values.sum().backward()
    assert output.grad is not None
    assert values.tolist() == output.grad.tolist() == [0.0, 0.0, 0.0]


@every_loss
def test_training_on_it_orders_what_can_be_ordered(loss: Loss) -> None:
    draw = np.random.default_rng(0)
    targets = (np.arange(200) % 4 == 0).astype(np.float32)
    columns = draw.normal(size=(200, 3)).astype(np.float32)
    columns[:, 1] += 3 * targets
    inputs, wanted = torch.from_numpy(columns), torch.from_numpy(targets)
    weights = torch.tensor([1.0, 0.0, 0.0], requires_grad=True)
    before = roc_auc_score(targets, (inputs @ weights).detach(), max_fpr=0.25)
    optimizer = torch.optim.Adam([weights], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        loss(inputs @ weights, wanted).mean().backward()
        optimizer.step()
    after = roc_auc_score(targets, (inputs @ weights).detach(), max_fpr=0.25)
    assert before < 0.6
    assert after > 0.9


def test_the_hardest_share_counts_a_row_at_its_border_in_part() -> None:
    values = torch.tensor([3.0, 1.0, 2.0, 0.0])
    assert hardest(values, 1.0).tolist() == [0.25] * 4
    assert hardest(values, 0.5).tolist() == [0.5, 0.0, 0.5, 0.0]
    assert hardest(values, 0.625).tolist() == pytest.approx([0.4, 0.2, 0.4, 0.0])
    assert hardest(values, 0.01).tolist() == [1.0, 0.0, 0.0, 0.0]
