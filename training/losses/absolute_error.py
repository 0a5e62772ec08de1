from __future__ import annotations

from typing import ClassVar

import torch

from training.loss import Loss, Output, Target, same_shape


class AbsoluteError(Loss):
    """Distance of a number from its target, in their unit: pulls towards the median.

    Takes numbers [rows] and targets [rows] of one unit; returns [rows] in that unit.

    Source: Laplace, "Mémoire sur la probabilité des causes par les évènements", 1774.

    >>> AbsoluteError()(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
    tensor([1., 3.])
    """

    output: ClassVar[Output] = "number"
    target: ClassVar[Target] = "number"
    row_by_row: ClassVar[bool] = True

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        return (output - same_shape(output, target)).abs()
