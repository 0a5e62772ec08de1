from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from models.value import Value


class Counts(Value):
    """What became of the rows of a file; every row read is one of the four.

    >>> Counts(read=3, positive=1, negative=2) + Counts(read=1, refused=1)
    Counts(read=4, positive=1, negative=2, indeterminate=0, refused=1)
    """

    read: int = Field(0, ge=0)
    positive: int = Field(0, ge=0)
    negative: int = Field(0, ge=0)
    indeterminate: int = Field(0, ge=0)
    refused: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        parts = self.positive + self.negative + self.indeterminate + self.refused
        if self.read != parts:
            raise ValueError(
                f"read should be positive, negative, indeterminate and refused together ({parts}), got {self.read}"
            )
        return self

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            read=self.read + other.read,
            positive=self.positive + other.positive,
            negative=self.negative + other.negative,
            indeterminate=self.indeterminate + other.indeterminate,
            refused=self.refused + other.refused,
        )
