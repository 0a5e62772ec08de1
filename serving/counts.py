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


class PathwayCounts(Value):
    """What became of the rows of a file where two models answer together; every row read is one of the four."""

    read: int = Field(0, ge=0)
    clear: int = Field(0, ge=0)
    refer: int = Field(0, ge=0)
    operate: int = Field(0, ge=0)
    refused: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        parts = self.clear + self.refer + self.operate + self.refused
        if self.read != parts:
            raise ValueError(f"read should be clear, refer, operate and refused together ({parts}), got {self.read}")
        return self

    def __add__(self, other: PathwayCounts) -> PathwayCounts:
        return PathwayCounts(
            read=self.read + other.read,
            clear=self.clear + other.clear,
            refer=self.refer + other.refer,
            operate=self.operate + other.operate,
            refused=self.refused + other.refused,
        )


class Tally(Value):
    """The counts of each model, and of both together where they answer together; all of the same rows.

    >>> Tally(models=(Counts(read=2, negative=2),)) + Tally.refusing(1, models=1)
    Tally(models=(Counts(read=3, positive=0, negative=2, indeterminate=0, refused=1),), pathway=None)
    """

    models: tuple[Counts, ...] = Field(min_length=1)
    pathway: PathwayCounts | None = None

    @classmethod
    def refusing(cls, rows: int, *, models: int) -> Self:
        """So many rows refused, which every model is spared."""
        together = PathwayCounts(read=rows, refused=rows) if models > 1 else None
        return cls(models=(Counts(read=rows, refused=rows),) * models, pathway=together)

    @property
    def read(self) -> int:
        """Rows read."""
        return self.models[0].read

    @property
    def refused(self) -> int:
        """Rows refused."""
        return self.models[0].refused

    def __add__(self, other: Tally) -> Tally:
        together = self.pathway + other.pathway if self.pathway and other.pathway else None
        pairs = zip(self.models, other.models, strict=True)
        return Tally(models=tuple(one + two for one, two in pairs), pathway=together)
