from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field

from training.loss import Loss, Output, Target, same_shape


class Tversky(Loss):
    """Share of a batch's alarms and patients that do not agree, with a price on false alarms and on misses.

    With probabilities in place of decisions, hits TP = sum p t, false alarms FP = sum p (1 - t) and misses
    FN = sum (1 - p) t, a batch costs 1 - TP / (TP + alpha FP + beta FN), from 0 to 1. Each row has the part of it
    that its own error makes up, times the number of rows: their mean is the cost of the batch.

    A batch without positives has no hit to win and would cost 1 whatever is answered, so it costs nothing and pulls
    on nothing. A sure answer that is wrong pulls little too (the slope of its probability vanishes): put it beside a
    cross-entropy.

    Takes logits [rows] and targets [rows] in {0, 1}; returns [rows].

    Source: Salehi et al., "Tversky loss function for image segmentation using 3D fully convolutional deep
    networks", MLMI 2017; the defaults are its choice for recall.

    >>> loss = Tversky(alpha=0.5, beta=0.5)
    >>> loss(torch.tensor([0.0, 0.0, 0.0]), torch.tensor([1.0, 0.0, 0.0]))
    tensor([0.6000, 0.6000, 0.6000])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = False

    alpha: float = Field(0.3, ge=0, description="price of a false alarm, in hits")
    # Above 0: otherwise a batch without any alarm would be 0 / 0.
    beta: float = Field(0.7, gt=0, description="price of a miss, in hits")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        positive = same_shape(output, target) > 0
        yes, no = torch.sigmoid(output), torch.sigmoid(-output)
        errors = torch.where(positive, self.beta * no, self.alpha * yes)
        hits = torch.where(positive, yes, 0.0)
        whole = hits.sum() + errors.sum()
        return torch.where(positive.any(), output.numel() * errors / torch.where(positive.any(), whole, 1.0), 0.0)
