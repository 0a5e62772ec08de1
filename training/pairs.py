"""Costs of pairs of one positive and one negative, shared out among the rows of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch.nn import functional

from training.loss import same_shape

Surrogate = Literal["squared hinge", "logistic"]


def surrogate(kind: Surrogate, margin: float) -> Callable[[torch.Tensor], torch.Tensor]:
    """The cost of a pair by how far the positive lies above the negative; nothing, or little, beyond `margin`."""
    if kind == "squared hinge":
        return lambda gap: torch.relu(margin - gap).square()
    return lambda gap: functional.softplus(margin - gap)


def paired(
    output: torch.Tensor,
    target: torch.Tensor | None,
    cost: Callable[[torch.Tensor], torch.Tensor],
    *,
    positives: float = 1.0,
    negatives: float = 1.0,
) -> torch.Tensor:
    """Half of what its pairs cost for each row, [rows], so scaled that the mean over rows is the mean over pairs.

    Pairs are made of the lowest share `positives` of the positives and the highest share `negatives` of the
    negatives; a row at the border of its share counts in part. A batch of one kind has no pairs and costs nothing.
    Needs memory for each pair.

    >>> paired(torch.tensor([2.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 0.0]), lambda gap: gap)
    tensor([2.2500, 0.7500, 1.5000])
    """
    sick = same_shape(output, target) > 0
    high, low = output[sick], output[~sick]
    if not len(high) or not len(low):
        return output * 0.0
    weights = torch.outer(hardest(-high, positives), hardest(low, negatives))
    costs = weights * cost(high.unsqueeze(1) - low.unsqueeze(0))
    shares = torch.zeros_like(output)
    shares[sick], shares[~sick] = costs.sum(dim=1), costs.sum(dim=0)
    return shares * (len(output) / 2)


def hardest(values: torch.Tensor, share: float) -> torch.Tensor:
    """Equal weights [rows] for the highest `share` of values [rows], a part for the last; they sum to 1.

    >>> hardest(torch.tensor([1.0, 4.0, 3.0, 2.0]), 0.375)
    tensor([0.0000, 0.6667, 0.3333, 0.0000])
    """
    count = share * len(values)
    weights = torch.zeros_like(values)
    places = torch.arange(len(values), dtype=values.dtype, device=values.device)
    weights[values.detach().argsort(descending=True, stable=True)] = (count - places).clamp(0, 1)
    return weights / weights.sum()
