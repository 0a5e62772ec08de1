"""Several networks of one shape as one network."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import nn

from training.net import Net


def fused(nets: Sequence[Net]) -> Net | None:
    """One network whose heads answer with the mean of all, if there is one: of linear ones, or of one hidden layer.

    The mean of linear networks is linear; that of networks with one hidden layer has all their hidden units side by
    side. Nothing learnt may lie below the layers. None if there is no such network.
    """
    one = nets[0]
    below = [one.numbers, one.learnt]
    if any(True for module in below if module is not None for _ in module.parameters()) or len(one.layers) > 1:
        return None
    heads = [[head for head in net.heads if isinstance(head, nn.Linear)] for net in nets]
    if len(heads[0]) < len(one.heads):
        return None
    whole = copy.deepcopy(one)
    for name in one.layers:
        layers = [net.layers[name] for net in nets]
        firsts = [layer[0] for layer in layers if isinstance(layer, nn.Sequential) and isinstance(layer[0], nn.Linear)]
        if len(firsts) < len(nets):
            return None
        beyond = list(layers[0].children())[1:]
        whole.layers[name] = nn.Sequential(_wide(firsts), *beyond)
    joined = _joined if one.layers else _mean_of
    whole.heads = nn.ModuleList(joined([own[place] for own in heads]) for place in range(len(one.heads)))
    return whole.eval()


def _wide(layers: Sequence[nn.Linear]) -> nn.Linear:
    """All outputs of several layers side by side."""
    wide = nn.Linear(layers[0].in_features, sum(layer.out_features for layer in layers))
    return _filled(wide, torch.cat([each.weight for each in layers]), torch.cat([each.bias for each in layers]))


def _joined(heads: Sequence[nn.Linear]) -> nn.Linear:
    """The mean of heads that each look at units of their own, which now stand side by side."""
    head = nn.Linear(sum(each.in_features for each in heads), heads[0].out_features)
    weight = torch.cat([each.weight for each in heads], dim=1) / len(heads)
    return _filled(head, weight, _mean(each.bias for each in heads))


def _mean_of(heads: Sequence[nn.Linear]) -> nn.Linear:
    """The mean of heads that look at the same."""
    head = nn.Linear(heads[0].in_features, heads[0].out_features)
    return _filled(head, _mean(each.weight for each in heads), _mean(each.bias for each in heads))


def _filled(layer: nn.Linear, weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


def _mean(values: Iterable[torch.Tensor]) -> torch.Tensor:
    return torch.stack([value.double() for value in values]).mean(dim=0).float()
