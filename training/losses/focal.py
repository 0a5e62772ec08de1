from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch.nn import functional

from training.loss import Loss, Output, Target, same_shape


class Focal(Loss):
    """Cross-entropy that turns away from rows already told apart, so that many easy ones do not drown the hard.

    A row whose true answer has probability p costs -(1 - p)^gamma ln p; with `alpha`, times `alpha` for a positive
    and times 1 - `alpha` for a negative.

    Takes logits [rows] and targets [rows] in {0, 1}; returns [rows].

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    >>> Focal(gamma=2.0)(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]))
    tensor([0.1733, 0.0227])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = True

    gamma: float = Field(2.0, ge=0, description="how strongly it turns away; 0 is cross-entropy")
    alpha: float | None = Field(None, gt=0, lt=1, description="weight of a positive; without it, all weigh 1")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        positive = same_shape(output, target) > 0
        right = torch.where(positive, output, -output)  # the logit of the true answer
        values = -torch.exp(self.gamma * functional.logsigmoid(-right)) * functional.logsigmoid(right)
        return values if self.alpha is None else values * torch.where(positive, self.alpha, 1 - self.alpha)
