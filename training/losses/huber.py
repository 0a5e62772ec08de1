from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch.nn import functional

from training.loss import Loss, Output, Target, same_shape


class Huber(Loss):
    """Squared error for small errors and absolute error for large ones: near the mean, yet deaf to outliers.

    An error e costs e² / 2 up to `delta`, and delta (|e| - delta / 2) beyond.

    Takes numbers [rows] and targets [rows] of one unit; returns [rows] in the square of that unit.

    Source: Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 1964.

    >>> Huber(delta=1.0)(torch.tensor([0.5, 5.0]), torch.zeros(2))
    tensor([0.1250, 4.5000])
    """

    output: ClassVar[Output] = "number"
    target: ClassVar[Target] = "number"
    row_by_row: ClassVar[bool] = True

    delta: float = Field(1.0, gt=0, description="the error, in the unit of the target, beyond which it is large")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        return functional.huber_loss(output, same_shape(output, target), reduction="none", delta=self.delta)
