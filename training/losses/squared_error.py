from __future__ import annotations

import torch

from training.loss import Loss, same_shape


class SquaredError(Loss):
    """Squared distance of a prediction [rows] from its target [rows]; pulls towards the mean.

    >>> SquaredError()(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
    tensor([1., 9.])
    """

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        return (output - same_shape(output, target)).square()
