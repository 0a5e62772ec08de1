"""All copies of a network asked with a few large products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from training.net import EMBEDDING, NUMBERS, Net

# What comes out of these for a number has to do with that number alone.
ALONE = (nn.SiLU, nn.Dropout)


class SideBySide:
    """Copies of a network of linear layers, which all look at the same rows.

    It gives what the copies give one by one, in half of the time of `torch.vmap`, and a fifth where there is no hidden
    layer. What is left out by chance is left out in all copies.
    """

    def __init__(self, net: Net) -> None:
        self.net = net

    @staticmethod
    def can(net: Net) -> bool:
        """Whether a network is made of nothing else."""
        steps = [step for layer in net.layers.values() for _, step in _steps(layer)]
        heads = all(isinstance(head, nn.Linear) for head in net.heads)
        plain = all(isinstance(step, (nn.Linear, *ALONE)) for step in steps)
        return heads and plain and not net.learns_numbers and net.eye is None

    def __call__(
        self, weights: Mapping[str, torch.Tensor], inputs: torch.Tensor, numbers: torch.Tensor | None
    ) -> dict[str, torch.Tensor]:
        """Every tap but the inputs, [copies, rows, ...], from weights [copies, ...] by their names.

        `numbers` are the rows after the embedding of numbers, where they are known already.
        """
        net, found = self.net, dict[str, torch.Tensor]()
        if numbers is None and net.numbers is not None:
            numbers = net.numbers(inputs)
        # The same for all copies so far.
        copies = len(weights["heads.0.weight"])
        rows = (inputs if numbers is None else numbers).expand(copies, -1, -1)
        if numbers is not None:
            found[NUMBERS] = rows
        shared = True
        for name, layer in net.layers.items():
            for place, step in _steps(layer):
                if isinstance(step, nn.Linear):
                    rows = _product(rows, weights, f"layers.{name}{place}", shared=shared)
                    shared = False
                elif isinstance(step, nn.Dropout):
                    rows = rows * step(torch.ones_like(rows[:1]))
                else:
                    rows = step(rows)
            found[name] = rows
        found[EMBEDDING] = rows
        for at, name in enumerate(net.head_names):
            answer = _product(rows, weights, f"heads.{at}", shared=shared)
            found[name] = answer.squeeze(-1) if answer.shape[-1] == 1 else answer
        return found


def _steps(layer: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """What a layer does one after the other, with the end of each one's name."""
    if not isinstance(layer, nn.Sequential):
        yield "", layer
        return
    for name, step in layer.named_children():
        yield f".{name}", step


def _product(rows: torch.Tensor, weights: Mapping[str, torch.Tensor], name: str, *, shared: bool) -> torch.Tensor:
    """Rows [copies, rows, in] through a linear layer of each copy; `shared` says that all copies have the same rows."""
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    if shared and weight.shape[1] == 1:
        # Products with one column are slow; here all copies' columns stand side by side.
        return nn.functional.linear(rows[0], weight.squeeze(1), bias.squeeze(1)).transpose(0, 1).unsqueeze(2)
    return torch.baddbmm(bias.unsqueeze(1), rows, weight.transpose(1, 2))
