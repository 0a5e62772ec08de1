from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from training.numbers.piecewise_linear import Bins
from training.numbers_embedding import NumbersEmbedding, NumbersLayer


class BoundedBins(NumbersEmbedding):
    """Each number, squashed towards its middle, and how far that has come through each of a few bins.

    The number z, in interquartile ranges from the median, becomes z / sqrt(1 + (z / reach)^2), which lies within
    `reach` of the median: one mistyped value does not outweigh all others. The bins hold equally many people of the
    training part. A linear network on these is an additive model of bent lines; nothing here is learnt by gradient.
    The other columns are squashed as they are: a rare yes, which scaling made large, is bounded too.

    Source: the squashing of Holzmueller, Grinsztajn & Steinwart, "Better by Default", NeurIPS 2024.

    >>> layer = BoundedBins(bins=2).build(torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0]]), [0])
    >>> layer(torch.tensor([[2.0], [4.0], [1000.0]])).round(decimals=2)
    tensor([[0.0000, 1.0000, 0.0000],
            [0.9500, 1.0000, 1.0000],
            [3.0000, 1.0000, 3.1600]])
    """

    bins: int = Field(8, ge=2, description="at most; fewer where a column holds few distinct numbers")
    reach: float = Field(3.0, gt=0, description="interquartile ranges from the median that no number gets beyond")

    def build(self, inputs: torch.Tensor, measured: list[int]) -> NumbersLayer:
        return Squashed(inputs, measured, self.bins, self.reach)


class Squashed(NumbersLayer):
    """The squashed number and its places within the bins, [rows, columns, 1 + bins]."""

    def __init__(self, inputs: torch.Tensor, measured: list[int], bins: int, reach: float) -> None:
        super().__init__(inputs, measured, 1 + bins)
        self.reach = reach
        is_other = torch.ones(inputs.shape[1], dtype=torch.bool)
        is_other[measured] = False
        self.is_other = nn.Buffer(is_other)
        known = inputs[:, measured].double()
        low, middle, high = torch.quantile(known, torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64), dim=0)
        spread = high - low
        # Where the middle half is all alike, half of the whole range is the unit; where everything is, anything is.
        spread = torch.where(spread > 0, spread, (known.max(dim=0).values - known.min(dim=0).values) / 2)
        self.middle = nn.Buffer(middle.float())
        self.spread = nn.Buffer(torch.where(spread > 0, spread, 1.0).float())
        squashed = self.squash(inputs[:, measured])
        self.places = Bins(squashed, list(range(len(measured))), bins, None)

    def squash(self, numbers: torch.Tensor) -> torch.Tensor:
        """Numbers [rows, columns] -> the same within `reach` of 0."""
        far = (numbers - self.middle) / self.spread
        return far / torch.sqrt(1 + (far / self.reach) ** 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        others = inputs / torch.sqrt(1 + (inputs / self.reach) ** 2)
        return super().forward(torch.where(self.is_other, others, inputs))

    def embedded(self, numbers: torch.Tensor) -> torch.Tensor:
        squashed = self.squash(numbers)
        return torch.cat([squashed.unsqueeze(2), self.places.embedded(squashed)], dim=2)
