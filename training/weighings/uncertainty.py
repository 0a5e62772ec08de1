from __future__ import annotations

import torch
from torch import nn

from training.weighing import Weighing


class Uncertainty(Weighing):
    """Each term weighs as much as it can be trusted: exp(-s) times its value, at the price s / 2.

    The logarithm of its variance, s, is learnt with the network. At rest s is the logarithm of twice the value, so
    that every term then pulls as if its value were its unit.

    Source: Kendall, Gal & Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses", CVPR 2018.
    """

    def build(self, terms: int) -> nn.Module:
        return LogVariances(terms)


class LogVariances(nn.Module):
    """One log variance a term, 0 at first: a term then weighs 1."""

    def __init__(self, terms: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(terms))

    def forward(self) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.exp(-self.values), self.values.sum() / 2
