from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from training.network import Network


class TabM(Network):
    """Many fully connected networks in one: members share their weights but for a few scales each.

    Each member learns by itself, and they answer with the mean of their logits. Layers are `hidden_1`, `hidden_2`...

    Source: Gorishniy, Kotelnikov & Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient
    Ensembling", ICLR 2025; the layers are those of Wen, Tran & Ba, "BatchEnsemble", ICLR 2020.
    """

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field((64, 64), min_length=1, description="width of each layer")
    count: int = Field(16, ge=2, description="members")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of a layer that is left out in each step of training")

    @property
    def members(self) -> int:
        return self.count

    def layers(self, width: int) -> list[tuple[str, nn.Module, int]]:
        return [
            (
                f"hidden_{number}",
                nn.Sequential(
                    Shared(before, after, self.count, first=number == 1), nn.SiLU(), nn.Dropout(self.dropout)
                ),
                after,
            )
            for number, (before, after) in enumerate(pairwise((width, *self.hidden)), 1)
        ]


class Shared(nn.Module):
    """One linear map for all members, with scales of its inputs and outputs and a bias for each.

    Takes [rows, given], the same for every member, or [rows, members, given]; returns [rows, members, width].
    The first layer's input scales begin as signs drawn by chance, which makes the members differ.
    """

    def __init__(self, given: int, width: int, members: int, *, first: bool) -> None:
        super().__init__()
        limit = given**-0.5
        self.weight = nn.Parameter(torch.empty(width, given).uniform_(-limit, limit))
        signs = torch.randint(0, 2, (members, given)).float() * 2 - 1
        self.taken = nn.Parameter(signs if first else torch.ones(members, given))
        self.given = nn.Parameter(torch.ones(members, width))
        self.bias = nn.Parameter(torch.empty(members, width).uniform_(-limit, limit))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = rows.unsqueeze(1) if rows.ndim == 2 else rows
        return nn.functional.linear(rows * self.taken, self.weight) * self.given + self.bias
