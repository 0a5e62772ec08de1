from __future__ import annotations

from typing import ClassVar

import torch
from torch.nn import functional

from training.loss import Loss, Output, Target, same_rows


class Ordinal(Loss):
    """How surprising a level is, from one question a step: is it beyond this one, given that it came this far.

    Output k is the logit of P(level > k | level >= k), so the probability of a level is a product and never turns
    around. A row answers the questions up to its own level and costs their cross-entropies' sum, -ln P(level).
    The source divides by the number of questions in all; here the caller averages rows.

    Takes logits [rows, levels - 1] and whole levels [rows] from 0 to levels - 1; returns [rows].
    Raises ValueError at a level that there is not.

    Source: Shi, Cao & Raschka, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based On Conditional
    Probabilities" (CORN), 2021.

    >>> Ordinal()(torch.zeros(3, 2), torch.tensor([0, 1, 2]))
    tensor([0.6931, 1.3863, 1.3863])
    """

    output: ClassVar[Output] = "levels"
    target: ClassVar[Target] = "level"
    row_by_row: ClassVar[bool] = True

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        level = same_rows(output, target)
        there = (level >= 0) & (level <= output.shape[1]) & (level == level.round())
        if not there.all():
            got = level[~there][0].item()
            raise ValueError(f"Expected whole levels from 0 to {output.shape[1]}, got {got}.")
        step = torch.arange(output.shape[1], device=output.device)
        asked, beyond = step <= level[:, None], step < level[:, None]
        answers = functional.binary_cross_entropy_with_logits(output, beyond.to(output.dtype), reduction="none")
        return torch.where(asked, answers, 0.0).sum(1)
