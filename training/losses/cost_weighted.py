from __future__ import annotations

from typing import ClassVar

import torch
from torch.nn import functional

from models.costs import Costs
from training.loss import Loss, Output, Target, same_shape


class CostWeighted(Loss):
    """Cross-entropy where each row weighs what a mistake on it would cost; without prices, plain cross-entropy.

    Takes logits [rows] and targets [rows] in {0, 1}.
    Returns [rows] in the unit of `costs`.

    Source: Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001.

    >>> loss = CostWeighted(costs=Costs(miss=49.0))
    >>> loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor([33.9642,  0.6931])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = True

    costs: Costs = Costs()

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_shape(output, target)
        price = torch.where(target > 0, self.costs.miss, self.costs.false_alarm)
        # From logits: in float32, log(sigmoid(x)) is -inf for x below -89.
        return price * functional.binary_cross_entropy_with_logits(output, target, reduction="none")
