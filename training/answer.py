from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from models.value import Member

Scale = Literal["number", "probability", "grade", "count"]


class Answer(Member):
    """In which form a symptom's head answers: what it gives a row in training, and what a reader is told."""

    @property
    def width(self) -> int:
        """How many numbers a row the head gives, for losses to sit on."""
        return 1

    @property
    @abstractmethod
    def scale(self) -> Scale:
        """What a reader is told."""

    @property
    def highest(self) -> float | None:
        """The highest answer there can be; None if there is none."""
        return None

    @abstractmethod
    def told(self, output: torch.Tensor) -> torch.Tensor:
        """What the head gives, [rows] or [rows, width], as a reader is told it, [rows]; exported with the network."""

    def refused(self, labels: NDArray[np.float32]) -> str | None:
        """The rule that known labels [rows] break, if they break one."""
        del labels
        return None
