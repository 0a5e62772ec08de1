from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import average_precision_score

from training.losses.average_precision import AveragePrecision


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    targets = (torch.arange(50) % 5 == 0).double()
    return torch.randn(50, generator=generator, dtype=torch.float64) + targets, targets


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_in_the_sharp_limit_it_is_what_is_missing_of_average_precision(seed: int) -> None:
    output, target = batch(seed)
    found = float(AveragePrecision(temperature=1e-6)(output, target).mean())
    assert found == pytest.approx(1 - average_precision_score(target, output), abs=1e-9)


@pytest.mark.parametrize("temperature", [0.05, 0.25, 2.0])
def test_a_slow_loop_over_positives_says_the_same(temperature: float) -> None:
    output, target = batch(7)
    scores, kinds = output.tolist(), target.tolist()
    precisions = []
    for place, score in enumerate(scores):
        if kinds[place]:
            rank = right = 1.0
            for other, kind in enumerate(kinds):
                if other != place:
                    above = 1 / (1 + math.exp(-(scores[other] - score) / temperature))
                    rank += above
                    right += above * kind
            precisions.append(right / rank)
    values = AveragePrecision(temperature=temperature)(output, target)
    assert float(values.mean()) == pytest.approx(1 - sum(precisions) / len(precisions), rel=1e-9)
    assert values[target == 0].tolist() == [0.0] * 40
    assert values[target == 1].tolist() == pytest.approx([5 * (1 - precision) for precision in precisions])


@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_a_batch_of_one_kind_costs_nothing_and_pulls_on_nothing(kind: float) -> None:
    output = torch.tensor([1.0, -3.0, 1e4], requires_grad=True)
    values = AveragePrecision()(output, torch.full((3,), kind))
    values.sum().backward()
    assert output.grad is not None
    assert values.tolist() == output.grad.tolist() == [0.0, 0.0, 0.0]


def test_going_down_it_raises_average_precision() -> None:
    generator = torch.Generator().manual_seed(0)
    target = (torch.arange(200) % 10 == 0).float()
    columns = torch.randn(200, 3, generator=generator)
    columns[:, 1] += 2.5 * target
    weights = torch.tensor([1.0, 0.0, 0.0], requires_grad=True)
    before = average_precision_score(target, (columns @ weights).detach())
    optimizer = torch.optim.Adam([weights], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        AveragePrecision()(columns @ weights, target).mean().backward()
        optimizer.step()
    assert before < 0.3
    # The classes differ in one column alone: nothing but chance ranks better than that.
    assert average_precision_score(target, (columns @ weights).detach()) >= average_precision_score(
        target, columns[:, 1]
    )
