from __future__ import annotations

from typing import ClassVar

import torch

from training.loss import Loss, Output, Target, same_shape


class SquaredError(Loss):
    """Squared distance of a number from its target: pulls towards the mean.

    Takes numbers [rows] and targets [rows] of one unit; returns [rows] in the square of that unit.

    Source: Legendre, "Nouvelles méthodes pour la détermination des orbites des comètes", 1805.

    >>> SquaredError()(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
    tensor([1., 9.])
    """

    output: ClassVar[Output] = "number"
    target: ClassVar[Target] = "number"
    row_by_row: ClassVar[bool] = True

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        return (output - same_shape(output, target)).square()
