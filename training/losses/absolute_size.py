from __future__ import annotations

from typing import ClassVar

import torch

from training.loss import Loss, Output, Target, nothing


class AbsoluteSize(Loss):
    """Absolute size of what should be exactly zero wherever it is not needed: on weights it is the lasso.

    Takes a tensor of any shape and nothing to compare it with; returns one of its shape.

    Source: Tibshirani, "Regression Shrinkage and Selection via the Lasso", JRSS B 1996.

    >>> AbsoluteSize()(torch.tensor([2.0, -4.0]), None)
    tensor([2., 4.])
    """

    output: ClassVar[Output] = "anything"
    target: ClassVar[Target] = "nothing"
    row_by_row: ClassVar[bool] = True

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        nothing(target)
        return output.abs()
