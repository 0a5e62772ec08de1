from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from training.answer import Answer, Scale


class Grade(Answer):
    """One of a few ordered grades, 0, 1, 2 ...: the head gives a logit a step, a reader is told the expected grade.

    Step k says whether the grade is above k among those above k - 1, so the chance of being above k is a product
    of chances, and the expected grade is their sum. Source: Shi, Cao & Raschka, "Deep Neural Networks for
    Rank-Consistent Ordinal Regression Based On Conditional Probabilities", 2021.

    >>> Grade(levels=3).told(torch.tensor([[0.0, 0.0], [9.0, -9.0]]))
    tensor([0.7500, 1.0000])
    """

    levels: int = Field(ge=2, description="grades there are, 0 included")

    @property
    def width(self) -> int:
        return self.levels - 1

    @property
    def scale(self) -> Scale:
        return "grade"

    @property
    def highest(self) -> float:
        return float(self.levels - 1)

    def told(self, output: torch.Tensor) -> torch.Tensor:
        steps = torch.sigmoid(output if output.ndim > 1 else output.unsqueeze(1))
        above, total = steps[:, 0], steps[:, 0]
        for step in range(1, self.width):
            above = above * steps[:, step]
            total = total + above
        return total

    def refused(self, labels: NDArray[np.float32]) -> str | None:
        good = (labels == np.floor(labels)) & (labels >= 0) & (labels < self.levels)
        return None if good.all() else f"should be whole numbers from 0 to {self.levels - 1}"
