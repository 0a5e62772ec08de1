from __future__ import annotations

import torch
from pydantic import Field
from torch.nn import functional

from training.loss import same_shape
from training.losses.counted import Counted


class ClassBalanced(Counted):
    """Cross-entropy where the rarer answer weighs more, by how many different cases its rows stand for.

    n rows stand for (1 - beta^n) / (1 - beta) cases: with `beta` 0 every answer weighs the same, near 1 it weighs as
    the inverse of its rows. The two weights add up to 2. Before it is told the counts, it is cross-entropy.

    Takes logits [rows] and targets [rows] in {0, 1}; returns [rows].

    Source: Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019.

    >>> loss = ClassBalanced(beta=0.999).told(torch.tensor([1.0] * 10 + [0.0] * 990))
    >>> loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor([1.3647, 0.0216])
    """

    beta: float = Field(0.9999, ge=0, lt=1, description="the chance that another row is nothing new")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_shape(output, target)
        of_negative, of_positive = weights(self.counts, self.beta)
        weight = torch.where(target > 0, of_positive, of_negative)
        return weight * functional.binary_cross_entropy_with_logits(output, target, reduction="none")


def weights(counts: tuple[int, int], beta: float) -> tuple[float, float]:
    """What a row of each answer weighs: the inverse of its effective number of cases; the two add up to 2."""
    inverse = [(1 - beta) / (1 - beta**count) for count in counts]
    return (2 * inverse[0] / sum(inverse), 2 * inverse[1] / sum(inverse))
