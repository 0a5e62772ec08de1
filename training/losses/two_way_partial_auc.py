from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field

from training.loss import Loss, Output, Target
from training.pairs import Surrogate, paired, surrogate


class TwoWayPartialAUC(Loss):
    """Ranks well in one corner: where recall is high enough and few healthy people are alarmed.

    Takes logits [rows] and targets [rows] in {0, 1}. Returns [rows]; the mean over the rows is the mean cost of the
    pairs made of the 1 - `recall` of positives that score lowest and the `false_positive_rate` of negatives that
    score highest in the batch: just these decide about the curve in that corner. A batch should hold some of both.

    Source: Zhu et al., "When AUC meets DRO: Optimizing Partial AUC for Deep Learning with Non-Convex Convergence
    Guarantee", ICML 2022; Yang et al., "When All We Need is a Piece of the Pie", ICML 2021.

    >>> loss = TwoWayPartialAUC(recall=0.5, false_positive_rate=0.5)
    >>> loss(torch.tensor([9.0, 2.0, 1.5, 0.0]), torch.tensor([1.0, 1.0, 0.0, 0.0]))
    tensor([0.0000, 0.5000, 0.5000, 0.0000])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = False

    recall: float = Field(0.8, ge=0, lt=1, description="from which on the curve matters")
    false_positive_rate: float = Field(0.5, gt=0, le=1, description="up to which the curve matters")
    surrogate: Surrogate = Field("squared hinge", description="how the order of a pair is priced")
    margin: float = Field(1.0, ge=0, description="by how much a positive should lie above a negative, in logits")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        cost = surrogate(self.surrogate, self.margin)
        return paired(output, target, cost, positives=1 - self.recall, negatives=self.false_positive_rate)
