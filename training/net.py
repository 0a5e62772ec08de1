"""A network that is built: columns and image -> embeddings -> heads, each of them a tap a loss can sit on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from models.inputs import Inputs
from training.encoder import Eye
from training.encoding import Encoding
from training.looking import looked_at

WEIGHTS, INPUTS, NUMBERS, IMAGE, EMBEDDING = "weights", "inputs", "numbers", "image", "embedding"
Layers = Sequence[tuple[str, nn.Module, int]]


class Net(nn.Module):
    """Encoding, image, layers and heads. Called with columns, and an image if it sees one, it gives every tap by name.

    A network of several members gives, while it learns, every tap above its inputs once a member, [rows, members,
    ...], so that each learns by itself; when it answers, it answers with their mean.
    """

    def __init__(
        self,
        encoding: Encoding,
        layers: Layers,
        heads: Mapping[str, int],
        *,
        numbers: nn.Module | None = None,
        eye: Eye | None = None,
        members: int = 1,
    ) -> None:
        super().__init__()
        self.encoding = encoding
        self.numbers = numbers
        self.fixed: nn.Module | None = eye.fixed if eye else None
        self.learnt: nn.Module | None = eye.learnt if eye else None
        if self.fixed is not None:
            self.fixed.requires_grad_(requires_grad=False)
        self.eye = eye
        self.layers = nn.ModuleDict({name: layer for name, layer, _ in layers})
        width = layers[-1][2] if layers else below(encoding, numbers, eye)
        self.members, self.copies = members, 1
        # A module may not be called `type` or `keys`, a head may.
        self.head_names = tuple(heads)
        self.heads = nn.ModuleList(
            nn.Linear(width, count) if members == 1 else Several(width, count, members) for count in heads.values()
        )

    def train(self, mode: bool = True) -> Net:  # noqa: FBT001, FBT002  # torch's own signature
        super().train(mode)
        if self.fixed is not None:
            self.fixed.eval()
        return self

    def forward(self, columns: torch.Tensor, image: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        return self.taps(*self.encoded(columns, image))

    def encoded(self, columns: torch.Tensor, image: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What needs no learning: encoded columns [rows, width], and what is kept of each image."""
        return self.encoding(columns), None if self.fixed is None else self.fixed(image)

    @property
    def learns_numbers(self) -> bool:
        """Whether the embedding of numbers is learnt."""
        return self.numbers is not None and any(True for _ in self.numbers.parameters())

    @torch.no_grad()
    def known_numbers(self, inputs: torch.Tensor) -> torch.Tensor | None:
        """Encoded columns after the embedding of numbers, if there is one and it learns nothing; else None."""
        if self.numbers is None or self.learns_numbers:
            return None
        found: torch.Tensor = self.numbers(inputs)
        return found

    def taps(
        self, inputs: torch.Tensor, kept: torch.Tensor | None = None, numbers: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Every tap by name, from encoded columns [rows, width] and what was kept of each image.

        `numbers` are the columns after the embedding of numbers, where they are known already.
        """
        found = {INPUTS: inputs}
        if self.numbers is not None:
            found[NUMBERS] = inputs = self.numbers(inputs) if numbers is None else numbers
        if self.learnt is not None:
            found[IMAGE] = self.learnt(kept)
            inputs = torch.cat([inputs, found[IMAGE]], dim=1)
        several = self.members > 1
        for name, layer in self.layers.items():
            inputs = layer(inputs)
            found[name] = self._agreed(inputs) if several else inputs
        found[EMBEDDING] = self._agreed(inputs) if several and self.layers else inputs
        for name, head in zip(self.head_names, self.heads, strict=True):
            answer = head(inputs)
            answer = answer.squeeze(-1) if answer.shape[-1] == 1 else answer
            found[name] = answer
        return found

    def _agreed(self, values: torch.Tensor) -> torch.Tensor:
        return values if self.training else values.mean(dim=1)

    def weights(self, layer: str | None = None) -> torch.Tensor:
        """All weights that multiply something, in one row, or those of one layer or head; biases are left out."""
        found = self.each_weight(layer)
        # Where an image encoder stays as it is, nothing of it is there to shrink.
        return torch.cat([weight.flatten() for weight in found]) if found else torch.zeros(0)

    def each_weight(self, layer: str | None = None) -> list[torch.Tensor]:
        """The same, as they are."""
        whole: nn.Module = self if layer is None else self._module(layer)
        return [
            weight
            for name, weight in whole.named_parameters()
            if weight.requires_grad and weight.ndim > 1 and name.rpartition(".")[2] == "weight"
        ]

    def _module(self, name: str) -> nn.Module:
        if name in self.head_names:
            return self.heads[self.head_names.index(name)]
        if name in self.layers:
            return self.layers[name]
        found = {NUMBERS: self.numbers, IMAGE: self.learnt}[name]
        assert found is not None
        return found

    def tap_names(self) -> tuple[str, ...]:
        """The names a term may sit on, but for those of weights."""
        between = [NUMBERS] * (self.numbers is not None) + [IMAGE] * (self.learnt is not None)
        return (INPUTS, *between, *self.layers, EMBEDDING, *self.head_names)

    @property
    def spread(self) -> frozenset[str]:
        """The taps that now have a place for each member, [rows, members, ...]."""
        if self.members == 1 or not self.training:
            return frozenset()
        return frozenset((*self.layers, *([EMBEDDING] if self.layers else []), *self.head_names))

    def start_from(self, answers: Mapping[str, float]) -> None:
        """Let heads begin at a constant answer, so that training spends nothing on finding it."""
        with torch.no_grad():
            for name, head in zip(self.head_names, self.heads, strict=True):
                if name in answers:
                    assert isinstance(head, (nn.Linear, Several))
                    head.bias.fill_(answers[name])

    @torch.no_grad()
    def answers(self, rows: Inputs, names: Sequence[str], *, at_once: int = 256) -> dict[str, torch.Tensor]:
        """Some taps of many rows, asked a few rows at a time; the network answers, and does not learn."""
        self.eval()
        found: dict[str, list[torch.Tensor]] = {name: [] for name in names}
        for start in range(0, max(len(rows), 1), at_once if self.eye else max(len(rows), 1)):
            some = rows[start : start + at_once] if self.eye else rows
            kept = None if self.fixed is None or some.image is None else looked_at(self.fixed, some.image)
            taps = self.taps(self.encoding(torch.from_numpy(some.columns)), kept)
            for name in names:
                found[name].append(taps[name])
        return {name: torch.cat(parts) for name, parts in found.items()}


class Several(nn.Module):
    """A linear head a member: [rows, members, width] -> [rows, members, count] while it learns, else their mean."""

    def __init__(self, width: int, count: int, members: int) -> None:
        super().__init__()
        limit = width**-0.5
        self.weight = nn.Parameter(torch.empty(members, width, count).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.empty(members, count).uniform_(-limit, limit))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        if self.training:
            return torch.matmul(rows.transpose(0, 1), self.weight).transpose(0, 1) + self.bias
        # The mean of linear heads is one of all members' numbers, and is summed alike for a row alone and for many.
        whole = self.weight.flatten(0, 1).transpose(0, 1) / len(self.weight)
        return nn.functional.linear(rows.flatten(1), whole, self.bias.mean(dim=0))


def below(encoding: Encoding, numbers: nn.Module | None, eye: Eye | None) -> int:
    """How many numbers a row come out below the first layer."""
    plain = encoding.width if numbers is None else numbers.width
    assert isinstance(plain, int)
    return plain + (eye.width if eye else 0)
