from __future__ import annotations

from abc import abstractmethod

import torch
from torch import nn

from models.value import Member


class NumbersEmbedding(Member):
    """A way to give a network several numbers for each measured one, so that it bends where the data does.

    Source: Gorishniy, Rubachev & Babenko, "On Embeddings for Numerical Features in Tabular Deep Learning", NeurIPS
    2022.
    """

    @abstractmethod
    def build(self, inputs: torch.Tensor, measured: list[int]) -> NumbersLayer:
        """The layer for encoded training columns [rows, width], of which `measured` are measured numbers."""


class NumbersLayer(nn.Module):
    """Encoded columns [rows, encoded width] -> [rows, width]: measured numbers embedded, the others as they are."""

    def __init__(self, inputs: torch.Tensor, measured: list[int], each: int) -> None:
        super().__init__()
        others = [place for place in range(inputs.shape[1]) if place not in set(measured)]
        self.measured = nn.Buffer(torch.tensor(measured, dtype=torch.int64))
        self.others = nn.Buffer(torch.tensor(others, dtype=torch.int64))
        self.width = len(measured) * each + len(others)

    def embedded(self, numbers: torch.Tensor) -> torch.Tensor:
        """Measured numbers [rows, columns] -> [rows, columns, each]."""
        raise NotImplementedError

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        embedded = self.embedded(inputs[:, self.measured]).flatten(start_dim=1)
        return torch.cat([embedded, inputs[:, self.others]], dim=1) if len(self.others) else embedded
