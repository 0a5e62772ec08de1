"""What a network produces: columns -> embeddings -> heads, each of them a tap a loss can sit on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.schema import Categorical, Schema
from models.value import Member

INPUTS, EMBEDDING = "inputs", "embedding"


class Network(Member):
    """A shape of network. Members name the layers between the encoded columns and the embedding."""

    @abstractmethod
    def layers(self, width: int) -> list[tuple[str, nn.Module, int]]:
        """Name, module and width of each layer, in order, for encoded columns [rows, width]."""

    def build(self, schema: Schema, columns: NDArray[np.float32], heads: Sequence[str]) -> Net:
        """A network with fresh weights, its encoding learnt from training columns float32 [rows, columns]."""
        encoder = Encoder(schema, columns)
        return Net(encoder, self.layers(encoder.width), heads)


class Encoder(nn.Module):
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


class Net(nn.Module):
    """Encoder, layers and heads. Called with columns it gives every tap by name."""

    def __init__(self, encoder: Encoder, layers: Sequence[tuple[str, nn.Module, int]], heads: Sequence[str]) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = nn.ModuleDict({name: layer for name, layer, _ in layers})
        width = layers[-1][2] if layers else encoder.width
        # A module may not be called `type` or `keys`, a head may.
        self.head_names = tuple(heads)
        self.heads = nn.ModuleList(nn.Linear(width, 1) for _ in heads)

    def forward(self, columns: torch.Tensor) -> dict[str, torch.Tensor]:
        return self.taps(self.encoder(columns))

    def taps(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """`inputs`, each layer, `embedding` and each head [rows], from encoded columns [rows, width]."""
        found = {INPUTS: inputs}
        for name, layer in self.layers.items():
            inputs = layer(inputs)
            found[name] = inputs
        found[EMBEDDING] = inputs
        answers = [head(inputs).squeeze(1) for head in self.heads]
        return found | dict(zip(self.head_names, answers, strict=True))

    def weights(self) -> torch.Tensor:
        """All weights that multiply something, in one row; biases are left out of decay."""
        return torch.cat([weight.flatten() for weight in self.parameters() if weight.ndim > 1])

    def tap_names(self) -> tuple[str, ...]:
        """The names a term may sit on."""
        return (INPUTS, *self.layers, EMBEDDING, *self.head_names)

    def start_from(self, answers: Mapping[str, float]) -> None:
        """Let heads begin at a constant answer, so that training spends nothing on finding it."""
        with torch.no_grad():
            for name, head in zip(self.head_names, self.heads, strict=True):
                assert isinstance(head, nn.Linear)
                if name in answers:
                    head.bias.fill_(answers[name])
