"""Networks that answer together: the mean of their logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from models.inputs import Inputs
from training.fused import fused
from training.net import Net
from training.numbers_embedding import NumbersLayer

Kind = Sequence[Net]


class Averaged(nn.Module):
    """The mean of several kinds of networks, each of which is the mean of its copies.

    All are of one encoding, which is asked once. Where the copies of a kind can be one network, they are.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        super().__init__()
        merged = [(fused(kind), kind) for kind in kinds]
        self.kinds: list[list[Net]] = [[*kind] if one is None else [one] for one, kind in merged]
        self.first, self.head_names = self.kinds[0][0], kinds[0][0].head_names
        nets = [net for kind in self.kinds for net in kind]
        _share_numbers(nets)
        self.nets = nn.ModuleList(nets)

    def forward(self, columns: torch.Tensor, image: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        inputs, kept = self.first.encoded(columns, image)
        each = [[net.taps(inputs, kept) for net in kind] for kind in self.kinds]
        return {name: _mean([_mean([taps[name] for taps in kind]) for kind in each]) for name in self.head_names}

    @torch.no_grad()
    def answers(self, rows: Inputs, names: Sequence[str], *, at_once: int = 256) -> dict[str, torch.Tensor]:
        """Some taps of many rows; of what lies below the heads, those of the first network."""
        self.eval()
        heads = [name for name in names if name in self.head_names]
        each = [[net.answers(rows, heads, at_once=at_once) for net in kind] for kind in self.kinds]
        below = self.first.answers(rows, [name for name in names if name not in heads], at_once=at_once)
        return below | {name: _mean([_mean([taps[name] for taps in kind]) for kind in each]) for name in heads}


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    # One is itself: in a graph, dividing by one is a step too.
    return values[0] if len(values) == 1 else torch.stack([*values]).mean(dim=0)


def _share_numbers(nets: Sequence[Net]) -> None:
    """Networks that embed numbers alike, without learning, do it once in a graph."""
    known: list[NumbersLayer] = []
    for net in nets:
        if not isinstance(net.numbers, NumbersLayer) or net.learns_numbers:
            continue
        mine = net.numbers
        same = next((other for other in known if _alike(mine, other)), None)
        if same is None:
            known.append(mine)
        else:
            net.numbers = same


def _alike(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = dict(one.named_buffers()), dict(other.named_buffers())
    return (
        type(one) is type(other)
        and mine.keys() == theirs.keys()
        and all(mine[name].shape == theirs[name].shape and torch.equal(mine[name], theirs[name]) for name in mine)
    )
