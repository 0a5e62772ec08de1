"""Raw columns -> numbers a network can learn from."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.schema import Categorical, Numeric, Schema


class Encoding(nn.Module):
    """Raw columns [rows, columns], NaN where empty -> numbers a network can learn from [rows, width].

    Numbers and binaries are centred and scaled; an empty cell becomes the training mean, and a further input
    says so where the schema allows it. A category becomes one input a kind, an empty one an input of its own.
    Nothing here is learnt by gradient, so a table is encoded once for all of training.
    """

    def __init__(self, schema: Schema, columns: NDArray[np.float32]) -> None:
        super().__init__()
        kinds = [column.categories if isinstance(column, Categorical) else None for column in schema.columns]
        plain = [place for place, kind in enumerate(kinds) if kind is None]
        self.categorical = [(place, len(kind)) for place, kind in enumerate(kinds) if kind is not None]
        # Where the measured numbers are among the encoded columns, for networks that look closer at those.
        self.measured = [at for at, place in enumerate(plain) if isinstance(schema.columns[place], Numeric)]
        fillable = [place for place in range(len(kinds)) if schema.columns[place].missing == "impute"]
        known = np.ma.masked_invalid(columns[:, plain].astype(np.float64))
        mean, scale = known.mean(axis=0).filled(0.0), known.std(axis=0).filled(1.0)
        self.plain = nn.Buffer(torch.tensor(plain, dtype=torch.int64))
        self.fillable = nn.Buffer(torch.tensor(fillable, dtype=torch.int64))
        self.mean = nn.Buffer(torch.tensor(mean, dtype=torch.float32))
        # A column that never changes says nothing: it stays 0.
        self.scale = nn.Buffer(torch.tensor(np.where(scale > 0, scale, 1.0), dtype=torch.float32))
        spans = self._spans(plain)
        self.width = spans.shape[1] + len(fillable)
        self.spans = nn.Buffer(torch.from_numpy(spans[fillable].astype(np.float32)))
        empty = np.isnan(columns[:, fillable]).mean(axis=0) if len(columns) else np.zeros(len(fillable))
        self.empty_share = nn.Buffer(torch.tensor(empty, dtype=torch.float32))

    def _spans(self, plain: list[int]) -> NDArray[np.bool_]:
        """Which inputs hold the value of each column, bool [columns, inputs but the last ones that say empty]."""
        owners = plain + [place for place, count in self.categorical for _ in range(count)]
        count = len(plain) + len(self.categorical)
        return np.equal.outer(np.arange(count), np.array(owners, dtype=np.int64))

    def emptied(self, inputs: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
        """Encoded rows [rows, width] with cells emptied at random, up to `share` of each column that may be empty.

        A column that is empty so often by itself is left alone: there its emptiness may mean something.
        """
        fillable = len(self.empty_share)
        if not fillable or not share:
            return inputs
        chance = (share - self.empty_share).clamp(min=0)
        gone = (torch.rand(len(inputs), fillable, generator=generator).to(inputs.device) < chance).to(inputs.dtype)
        values, empty = inputs[:, :-fillable], inputs[:, -fillable:]
        return torch.cat([values * (1 - gone @ self.spans), torch.maximum(empty, gone)], dim=1)

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        parts = []
        if len(self.plain):
            numbers = columns[:, self.plain]
            filled = torch.where(torch.isnan(numbers), self.mean, numbers)
            parts.append((filled - self.mean) / self.scale)
        parts += [
            (columns[:, place : place + 1] == torch.arange(count, dtype=columns.dtype, device=columns.device)).to(
                columns.dtype
            )
            for place, count in self.categorical
        ]
        if len(self.fillable):
            parts.append(torch.isnan(columns[:, self.fillable]).to(columns.dtype))
        return torch.cat(parts, dim=1)
