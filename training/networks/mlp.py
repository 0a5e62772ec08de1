from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import nn

from training.network import Network


class MLP(Network):
    """Fully connected layers, `hidden_1`, `hidden_2` ..., each with a SiLU.

    SiLU is smooth, so that logits are too: a kink does not tie people who differ.
    """

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = Field((64, 64), min_length=1, description="width of each layer")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of a layer that is left out in each step of training")

    def layers(self, width: int) -> list[tuple[str, nn.Module, int]]:
        dropped = [nn.Dropout(self.dropout)] if self.dropout else []
        return [
            (f"hidden_{number}", nn.Sequential(nn.Linear(before, after), nn.SiLU(), *dropped), after)
            for number, (before, after) in enumerate(pairwise((width, *self.hidden)), 1)
        ]
