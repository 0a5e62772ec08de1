from __future__ import annotations

from typing import ClassVar

import torch

from training.loss import Loss, Output, Target, nothing


class SquaredSize(Loss):
    """Half the square of a size that should be small; on weights it is weight decay.

    Takes a tensor of any shape and nothing to compare it with; returns one of its shape.

    Source: Hoerl & Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 1970.

    >>> SquaredSize()(torch.tensor([2.0, -4.0]), None)
    tensor([2., 8.])
    """

    output: ClassVar[Output] = "anything"
    target: ClassVar[Target] = "nothing"
    row_by_row: ClassVar[bool] = True

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        nothing(target)
        return output.square() / 2
