"""How hard each loss pulled on each part of a network while it learnt."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from models.value import Value

Norm = Annotated[float, Field(ge=0)]


class Look(Value):
    """How hard each term pulled at the end of one epoch."""

    epoch: int = Field(ge=1)
    norms: tuple[tuple[Norm | None, ...], ...] = Field(
        description="a row a term, a cell a tap: root mean square over rows of the gradient of a row's value; null"
        " where the term does not reach"
    )


class PullTable(Value):
    """Gradient norm of every term at every tap during training: a loss pulls hardest on what is nearest."""

    terms: tuple[str, ...] = Field(description="in words")
    taps: tuple[str, ...] = Field(description="from the inputs to the heads, then the weights")
    looks: tuple[Look, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for place, look in enumerate(self.looks):
            if len(look.norms) != len(self.terms) or any(len(row) != len(self.taps) for row in look.norms):
                raise ValueError(f"looks.{place}.norms should have {len(self.terms)} rows of {len(self.taps)} cells")
        return self
