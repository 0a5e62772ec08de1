from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import nn

from training.numbers.piecewise_linear import Each
from training.numbers_embedding import NumbersEmbedding, NumbersLayer


class Periodic(NumbersEmbedding):
    """Sines and cosines of each number at frequencies that are learnt, mixed by a linear map and a ReLU.

    Takes numbers that were centred and scaled. Frequencies start from a normal distribution of `spread`: the
    higher, the sharper the bends that are found first.

    >>> _ = torch.manual_seed(0)
    >>> Periodic(frequencies=4, width=3).build(torch.zeros(5, 2), [0, 1])(torch.zeros(5, 2)).shape
    torch.Size([5, 6])
    """

    frequencies: int = Field(16, ge=1, description="learnt a column")
    spread: float = Field(0.3, gt=0, description="standard deviation of the frequencies at the start, in cycles")
    width: int = Field(12, ge=1, description="numbers a column that the network sees")

    def build(self, inputs: torch.Tensor, measured: list[int]) -> NumbersLayer:
        return Waves(inputs, measured, self.frequencies, self.spread, self.width)


class Waves(NumbersLayer):
    """The waves of each number, [rows, columns, 2 * frequencies], mixed into [rows, columns, width]."""

    def __init__(self, inputs: torch.Tensor, measured: list[int], count: int, spread: float, width: int) -> None:
        super().__init__(inputs, measured, width)
        self.frequencies = nn.Parameter(torch.randn(len(measured), count) * spread)
        self.mixed = Each(len(measured), 2 * count, width)

    def embedded(self, numbers: torch.Tensor) -> torch.Tensor:
        turns = 2 * math.pi * self.frequencies * numbers.unsqueeze(2)
        answer: torch.Tensor = self.mixed(torch.cat([turns.cos(), turns.sin()], dim=2))
        return answer.relu()
