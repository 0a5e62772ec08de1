"""The input contract of a model: its columns, what each may hold, how a value becomes a number; and a photograph."""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from models.image import Image
from models.value import Member, Value

Missing = Literal["refuse", "impute"]


def _number(value: float) -> float:
    if abs(value) > float(np.finfo(np.float32).max):
        raise ValueError("should fit a 32-bit float")
    return value


# How a yes and a no may be written as text, in whatever case.
TRUE, FALSE = ("1", "1.0", "true"), ("0", "0.0", "false")

Bound = Annotated[float, AfterValidator(_number)]


class Column(Member):
    """One column of the input, in the unit in which it is asked for.

    Its members say what a cell may hold. In the graph every cell is one float32: a number as it is, a binary
    as 0 or 1, a category as its place in `categories`, a missing cell as NaN.
    """

    name: str = Field(min_length=1, description="as in the table and in a request")
    meaning: str = Field("", description="what it says about a person, in words")
    missing: Missing = Field(
        "refuse", description="what becomes of an empty cell: the row is refused, or the graph fills it in"
    )

    @property
    def rule(self) -> str:
        """What a cell must be, as it stands in a refusal."""
        return f"{self._rule}{', or empty' if self.missing == 'impute' else ''}"

    @property
    @abstractmethod
    def _rule(self) -> str:
        """What a cell that is not empty must be."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest number a cell may be in the graph."""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are possible in the graph."""
        return True

    def keeps(self, numbers: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of some numbers a cell may be in the graph, bool [rows]; a NaN is none of them.

        They are compared in their own bits: a 32-bit float with a bound as 32 bits write it, as the graph does.

        >>> Numeric(name="age", low=0, high=120).keeps(np.array([61.5, 120.5, np.nan])).tolist()
        [True, False, False]
        """
        low, high = (numbers.dtype.type(bound) for bound in self.bounds)
        # NaN fails every comparison: a cell is good only if it is shown to be.
        good = (numbers >= low) & (numbers <= high)
        if self.whole:
            # Of a NaN that signals the processor says that it is invalid, as of a number that is out of reach.
            with np.errstate(invalid="ignore"):
                good &= numbers == np.floor(numbers)
        return good

    @property
    @abstractmethod
    def cell(self) -> Any:
        """The pydantic annotation of a cell that is not empty."""

    def number(self, cell: Any) -> float:
        """A valid cell as the number the graph takes; NaN for an empty one."""
        return float("nan") if cell is None else float(cell)

    def value(self, number: float) -> Any:
        """The number of the graph as a person writes it; the way back from `number`."""
        return None if math.isnan(number) else self._value(number)

    def _value(self, number: float) -> Any:
        return int(number)


class Numeric(Column):
    """A measured number.

    >>> Numeric(name="age", unit="years", low=0, high=120).rule
    'should be a number from 0 to 120 years'
    """

    low: Bound = Field(description="lowest value that can be true")
    high: Bound = Field(description="highest value that can be true")
    unit: str = Field("", description="unit of the numbers, empty for a pure number")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low should be below high, got {self.low} and {self.high}")
        return self

    @property
    def _rule(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return f"should be a number from {self.low:.10g} to {self.high:.10g}{unit}"

    @property
    def bounds(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def whole(self) -> bool:
        return False

    def _value(self, number: float) -> Any:
        return number

    @property
    def cell(self) -> Any:
        return Annotated[float, Field(strict=True, ge=self.low, le=self.high, allow_inf_nan=False)]


class Binary(Column):
    """A yes or a no, written true or false, or 1 or 0."""

    @property
    def _rule(self) -> str:
        return "should be 0, 1, false or true"

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, 1.0

    @property
    def cell(self) -> Any:
        return Annotated[bool, Field(strict=True)] | Literal[0, 1]


class Categorical(Column):
    """One of a few named kinds."""

    categories: tuple[str, ...] = Field(min_length=2, description="every possible kind, in a fixed order")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.categories)) < len(self.categories) or "" in self.categories:
            raise ValueError(f"categories should be distinct and not empty, got {list(self.categories)}")
        # Text cells are read without the spaces around them, so such a kind could never be met in a file.
        if any(category != category.strip() for category in self.categories):
            raise ValueError(f"categories should have no spaces around them, got {list(self.categories)}")
        return self

    @property
    def _rule(self) -> str:
        return f"should be one of {', '.join(self.categories)}"

    @property
    def bounds(self) -> tuple[float, float]:
        return 0.0, float(len(self.categories) - 1)

    @property
    def cell(self) -> Any:
        return Literal[self.categories]

    def number(self, cell: Any) -> float:
        return float("nan") if cell is None else float(self.categories.index(cell))

    def _value(self, number: float) -> Any:
        return self.categories[int(number)]


class Schema(Value):
    """The columns of a model, in the order in which the graph takes them, and the photograph of each row if any."""

    columns: Annotated[
        tuple[Column, ...],
        Field(min_length=1),
        PlainSerializer(lambda columns: [column.model_dump(mode="json") for column in columns]),
    ]
    # Left out where there is none: what was written before there were photographs stays as it was.
    image: Image | None = Field(None, exclude_if=lambda image: image is None)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        doubled = sorted({name for name in self.names if self.names.count(name) > 1})
        if doubled:
            raise ValueError(f"every column needs its own name, got {', '.join(doubled)} more than once")
        if self.image and self.image.name in self.names:
            raise ValueError(f"the image should not be called like a column, got {self.image.name}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of all that a row holds: its columns, and last the image."""
        return (*self.names, self.image.name) if self.image else self.names

    def rule(self, name: str) -> str | None:
        """What is required of the value of that name in a row; None if there is no such value."""
        if self.image and name == self.image.name:
            return self.image.rule
        return self.by_name[name].rule if name in self.by_name else None

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Each column under its name."""
        return {column.name: column for column in self.columns}

    @property
    def may_be_empty(self) -> np.ndarray:
        """For each column whether an empty cell is filled in: bool [columns]."""
        return np.array([column.missing == "impute" for column in self.columns])

    @property
    def whole(self) -> np.ndarray:
        """For each column whether it holds whole numbers only: bool [columns]."""
        return np.array([column.whole for column in self.columns])

    @property
    def bounds(self) -> np.ndarray:
        """Lowest and highest number of each column: float32 [2, columns]."""
        return np.array([column.bounds for column in self.columns], dtype=np.float32).T
