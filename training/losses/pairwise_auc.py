from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field

from training.loss import Loss, Output, Target
from training.pairs import Surrogate, paired, surrogate


class PairwiseAUC(Loss):
    """Makes every positive score higher than every negative, for a model that is to rank well all over.

    Takes logits [rows] and targets [rows] in {0, 1}. Returns [rows]; the mean over the rows is the mean cost of the
    pairs of the batch, and each row has half of what its own pairs cost. Without a margin and with a step for the
    surrogate it would be 1 - AUC. It says nothing about the level of a logit: a probability needs another term.

    Source: Gao & Zhou, "On the Consistency of AUC Pairwise Optimization", IJCAI 2015; Gao, Jin, Zhu & Zhou,
    "One-Pass AUC Optimization", ICML 2013.

    >>> PairwiseAUC()(torch.tensor([2.0, 1.5, 0.0]), torch.tensor([1.0, 0.0, 0.0]))
    tensor([0.1875, 0.1875, 0.0000])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = False

    surrogate: Surrogate = Field("squared hinge", description="how the order of a pair is priced")
    margin: float = Field(1.0, ge=0, description="by how much a positive should lie above a negative, in logits")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        return paired(output, target, surrogate(self.surrogate, self.margin))
