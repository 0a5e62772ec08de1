"""A medical table: features as a hospital would export them, who is sick, and which rows are of one patient."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.quality import tables
from models.errors import NoData


@dataclass(frozen=True)
class Table:
    """Rows of one table, in the order of their source.

    `features` holds float columns (numbers and yes/no as 1/0) and text columns (categories), empty cells as null;
    `sick` is int64 [rows] in {0, 1}; `groups` [rows] tells which rows are of one patient, None if all are of another;
    `later` bool [rows] marks the rows of a later period, on which alone models are tested; None without dates.
    """

    name: str
    features: pl.DataFrame
    sick: NDArray[np.int64]
    groups: NDArray[Any] | None = None
    later: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        sizes = {"features": self.features.height, "sick": len(self.sick)}
        sizes |= {name: len(part) for name in ("groups", "later") if (part := getattr(self, name)) is not None}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{self.name}: expected one number of rows, got {sizes}.")
        if wrong := [c for c, kind in self.features.schema.items() if kind not in {pl.Float64, pl.String}]:
            raise ValueError(f"{self.name}: columns should be Float64 or String, got others: {', '.join(wrong)}.")

    @property
    def numbers(self) -> list[str]:
        """Names of the columns of numbers."""
        return [name for name, kind in self.features.schema.items() if kind == pl.Float64]

    @property
    def categories(self) -> list[str]:
        """Names of the columns of words."""
        return [name for name, kind in self.features.schema.items() if kind == pl.String]

    def __len__(self) -> int:
        return len(self.sick)


def features(frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers and yes/no as floats, words as text, in the order of the columns; not-a-number is an empty cell."""
    return frame.select(
        pl.col(name).cast(pl.Float64).fill_nan(None)
        if kind.is_numeric() or kind == pl.Boolean
        else pl.col(name).cast(pl.String)
        for name, kind in frame.schema.items()
    )


def outcome(sick: pl.Series) -> NDArray[np.int64]:
    """Booleans without empty cells as int64 [rows] in {0, 1}."""
    return sick.cast(pl.Int64).to_numpy().astype(np.int64)


def names() -> list[str]:
    """The tables that there are, one a file of `tables/`."""
    return sorted(module.name for module in pkgutil.iter_modules(tables.__path__))


def find_table(name: str) -> Table:
    """Read a table.

    Raises NoData saying what to install or to name if what it is read from is not there.
    """
    if name not in names():
        raise NoData(f"{name}: should be one of {', '.join(names())}.")
    made = importlib.import_module(f"benchmarks.quality.tables.{name}")
    try:
        found: Table = made.table()
    except ModuleNotFoundError as error:
        raise NoData(f"{name}: {error.name} is not installed: pip install '.[quality]'.") from None
    return found
