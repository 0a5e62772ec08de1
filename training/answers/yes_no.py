from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from training.answer import Answer, Scale


class YesNo(Answer):
    """A sign that is there or not: the head gives a logit, a reader is told its probability.

    It is the model's own estimate: only the outcome's probability is undone and calibrated.

    >>> YesNo().told(torch.tensor([0.0]))
    tensor([0.5000])
    """

    @property
    def scale(self) -> Scale:
        return "probability"

    @property
    def highest(self) -> float:
        return 1.0

    def told(self, output: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(output)

    def refused(self, labels: NDArray[np.float32]) -> str | None:
        return None if np.isin(labels, (0, 1)).all() else "should be 0 or 1"
