from __future__ import annotations

import torch

from training.loss import Loss, same_shape


class AbsoluteError(Loss):
    """Distance of a prediction [rows] from its target [rows], in their unit; pulls towards the median.

    >>> AbsoluteError()(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
    tensor([1., 3.])
    """

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        return (output - same_shape(output, target)).abs()
