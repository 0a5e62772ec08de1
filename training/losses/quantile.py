from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field

from training.loss import Loss, Output, Target, same_shape


class Quantile(Loss):
    """Pinball loss: pulls towards the number that a given share of targets lies below.

    An answer that is too low by e costs level * e, one that is too high by e costs (1 - level) * e.

    Takes numbers [rows] and targets [rows] of one unit; returns [rows] in that unit.

    Source: Koenker & Bassett, "Regression Quantiles", Econometrica 1978.

    >>> Quantile(level=0.9)(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]))
    tensor([0.9000, 0.1000])
    """

    output: ClassVar[Output] = "number"
    target: ClassVar[Target] = "number"
    row_by_row: ClassVar[bool] = True

    level: float = Field(0.5, gt=0, lt=1, description="the share of targets that lie below; 0.5 is the median")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        too_low = same_shape(output, target) - output
        return torch.maximum(self.level * too_low, (self.level - 1) * too_low)
