from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field

from training.loss import Loss, Output, Target
from training.pairs import Surrogate, paired, surrogate


class OneWayPartialAUC(Loss):
    """Ranks well where few healthy people are alarmed: positives above the highest-scoring negatives.

    Takes logits [rows] and targets [rows] in {0, 1}. Returns [rows]; the mean over the rows is the mean cost of the
    pairs that a positive makes with the `false_positive_rate` of negatives that score highest in the batch. That
    is the conditional value at risk over negatives, and exact: it bounds what is missing of the area left of that
    rate. A batch should hold some 1 / `false_positive_rate` negatives or more.

    Source: Zhu et al., "When AUC meets DRO: Optimizing Partial AUC for Deep Learning with Non-Convex Convergence
    Guarantee", ICML 2022.

    >>> loss = OneWayPartialAUC(false_positive_rate=0.5)
    >>> loss(torch.tensor([2.0, 1.5, 0.0]), torch.tensor([1.0, 0.0, 0.0]))
    tensor([0.3750, 0.3750, 0.0000])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = False

    false_positive_rate: float = Field(0.1, gt=0, le=1, description="up to which the curve matters")
    surrogate: Surrogate = Field("squared hinge", description="how the order of a pair is priced")
    margin: float = Field(1.0, ge=0, description="by how much a positive should lie above a negative, in logits")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        cost = surrogate(self.surrogate, self.margin)
        return paired(output, target, cost, negatives=self.false_positive_rate)
