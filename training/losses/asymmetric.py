from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch.nn import functional

from training.loss import Loss, Output, Target, same_shape


class Asymmetric(Loss):
    """Focal cross-entropy that lets easy negatives go sooner than positives: for many negatives and few positives.

    With the probability p of being positive, a positive costs -(1 - p)^gamma_positive ln p. A negative costs
    -q^gamma_negative ln(1 - q) with q = max(p - margin, 0), so below the margin it costs and pulls nothing.
    Above it, what it costs is bounded by -ln(margin): a label that is surely wrong is given up.

    Takes logits [rows] and targets [rows] in {0, 1}; returns [rows].

    Source: Ridnik et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021; the defaults are its advice.

    >>> Asymmetric()(torch.tensor([0.0, 0.0, -3.0]), torch.tensor([1.0, 0.0, 0.0]))
    tensor([0.6931, 0.0245, 0.0000])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = True

    gamma_positive: float = Field(0.0, ge=0, description="how strongly it turns away from easy positives")
    gamma_negative: float = Field(4.0, ge=0, description="how strongly it turns away from easy negatives")
    margin: float = Field(0.05, ge=0, lt=1, description="probability up to which a negative costs nothing")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        positive = same_shape(output, target) > 0
        log_yes, log_no = functional.logsigmoid(output), functional.logsigmoid(-output)
        of_positive = -torch.exp(self.gamma_positive * log_no) * log_yes
        return torch.where(positive, of_positive, self._of_negative(log_yes, log_no))

    def _of_negative(self, log_yes: torch.Tensor, log_no: torch.Tensor) -> torch.Tensor:
        if self.margin == 0:
            return -torch.exp(self.gamma_negative * log_yes) * log_no
        probability = log_yes.exp()
        above = probability > self.margin
        # A power of 0 has no slope below the first, so rows under the margin are kept out of it.
        shifted = torch.where(above, probability - self.margin, 1.0)
        log_right = torch.logaddexp(log_no, torch.full_like(log_no, math.log(self.margin)))  # ln(1 - p + margin)
        return torch.where(above, -shifted.pow(self.gamma_negative) * log_right.clamp(max=0), 0.0)
