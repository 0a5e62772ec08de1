from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from training.numbers_embedding import NumbersEmbedding, NumbersLayer


class PiecewiseLinear(NumbersEmbedding):
    """How far a number has come through each of a few bins, which hold equally many people of the training part.

    The network may then bend at the ends of the bins; beyond the first and the last it goes on straight. With
    `width` each number's places are mixed into that many by a linear map of its own and a ReLU; without, they are
    given as they are.

    >>> layer = PiecewiseLinear(bins=2, width=None).build(torch.tensor([[0.0], [1.0], [3.0]]), [0])
    >>> layer(torch.tensor([[0.5], [2.0], [5.0]]))
    tensor([[0.5000, 0.0000],
            [1.0000, 0.5000],
            [1.0000, 2.0000]])
    """

    bins: int = Field(16, ge=2, description="at most; fewer where a column holds few distinct numbers")
    width: int | None = Field(12, ge=1, description="numbers a column that the network sees")

    def build(self, inputs: torch.Tensor, measured: list[int]) -> NumbersLayer:
        return Bins(inputs, measured, self.bins, self.width)


class Bins(NumbersLayer):
    """The places within the bins, [rows, columns, bins], mixed or not."""

    def __init__(self, inputs: torch.Tensor, measured: list[int], bins: int, width: int | None) -> None:
        super().__init__(inputs, measured, width or bins)
        share = torch.linspace(0, 1, bins + 1, dtype=torch.float64)
        starts = torch.zeros(len(measured), bins)
        lengths = torch.ones(len(measured), bins)
        used = torch.zeros(len(measured), bins)
        lowest, highest = torch.zeros(len(measured), bins), torch.ones(len(measured), bins)
        for at, place in enumerate(measured):
            distinct = torch.unique(inputs[:, place])
            spread = torch.unique(torch.quantile(inputs[:, place].double(), share).float())
            ends = distinct if len(distinct) <= bins else spread
            if len(ends) < 2:  # a column that never changes is one bin from its value on
                ends = torch.stack([ends[0], ends[0] + 1])
            count = len(ends) - 1
            starts[at, :count], lengths[at, :count], used[at, :count] = ends[:-1], ends.diff(), 1.0
            lowest[at, 0], highest[at, count - 1] = -torch.inf, torch.inf
        self.starts, self.lengths, self.used = nn.Buffer(starts), nn.Buffer(lengths), nn.Buffer(used)
        self.lowest, self.highest = nn.Buffer(lowest), nn.Buffer(highest)
        self.mixed = Each(len(measured), bins, width) if width else None

    def embedded(self, numbers: torch.Tensor) -> torch.Tensor:
        places = (numbers.unsqueeze(2) - self.starts) / self.lengths
        places = torch.minimum(torch.maximum(places, self.lowest), self.highest) * self.used
        return places if self.mixed is None else self.mixed(places).relu()


class Each(nn.Module):
    """A linear map of each column's own: [rows, columns, given] -> [rows, columns, width]."""

    def __init__(self, columns: int, given: int, width: int) -> None:
        super().__init__()
        limit = given**-0.5
        self.weight = nn.Parameter(torch.empty(columns, given, width).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.empty(columns, width).uniform_(-limit, limit))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        if self.training:
            return torch.matmul(rows.transpose(0, 1), self.weight).transpose(0, 1) + self.bias
        # A product over a batch of matrices is summed in another order for a row alone than for many; a convolution
        # is not.
        columns, given, width = self.weight.shape
        kernel = self.weight.transpose(1, 2).reshape(columns * width, given, 1)
        flat = nn.functional.conv1d(rows.flatten(1).unsqueeze(2), kernel, self.bias.flatten(), groups=columns)
        return flat.reshape(-1, columns, width)
