from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from training.answer import Answer, Scale

# e^30 of anything is more than anybody counts; beyond it a 32-bit float would soon be infinite.
HIGHEST_LOG_RATE = 30.0


class Count(Answer):
    """How many there are: the head gives the logarithm of a rate, a reader is told the rate.

    >>> Count().told(torch.tensor([0.0]))
    tensor([1.])
    """

    @property
    def scale(self) -> Scale:
        return "count"

    def told(self, output: torch.Tensor) -> torch.Tensor:
        return torch.exp(output.clamp(max=HIGHEST_LOG_RATE))

    def refused(self, labels: NDArray[np.float32]) -> str | None:
        good = (labels == np.floor(labels)) & (labels >= 0)
        return None if good.all() else "should be whole numbers of at least 0"
