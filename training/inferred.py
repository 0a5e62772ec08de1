"""What a table seems to hold: kinds, ranges and categories of its columns, and what can not be learnt from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import polars as pl

from models.schema import FALSE, TRUE, Binary, Categorical, Column, Numeric

MOST_CATEGORIES = 30
# More of them where there are so many rows of each, as of clinics or wards, up to so many.
ROWS_EACH, MOST_OF_ALL = 50, 300
# Half the span more on either side still fits a 32-bit float.
LARGEST = 1e38


@dataclass(frozen=True)
class Inferred:
    """What a table seems to hold: its columns, and those left out with the reason."""

    columns: tuple[Column, ...]
    left_out: dict[str, str]


def infer(rows: pl.DataFrame) -> Inferred:
    """Kinds, ranges, categories and missing rules of the columns of a table, text cells read as what they say."""
    columns, left_out = [], {}
    for cells in rows:
        found = _column(cells)
        if isinstance(found, str):
            left_out[cells.name] = found
        else:
            columns.append(found)
    return Inferred(tuple(columns), left_out)


def _column(cells: pl.Series) -> Column | str:
    """The column that these cells keep to, or why there is none."""
    known = cells.drop_nulls()
    if isinstance(known.dtype, pl.String):
        known = known.str.strip_chars()
    missing = "impute" if cells.null_count() else "refuse"
    if reason := _useless(cells.name, known):
        return reason
    if known.dtype == pl.Boolean or _says_yes_or_no(known):
        return Binary(name=cells.name, missing=missing)
    known = _as_numbers(known)
    if known.dtype.is_numeric():
        return _numeric(cells.name, known.cast(pl.Float64), missing)
    return _categorical(cells, known, missing)


def _useless(name: str, known: pl.Series) -> str | None:
    """Why nothing can be learnt from a column, whatever its kind; None if something can."""
    if not name:
        return "it has no name"
    if known.n_unique() < 2:
        return "it never changes"
    if known.n_unique() == len(known) and re.search(r"(^|_|\b)id$", name.lower()):
        return "it is an identifier: every row has its own"
    if isinstance(known.dtype, pl.String) and not known.str.to_date(strict=False).null_count():
        return "it holds dates"
    return None


def _says_yes_or_no(known: pl.Series) -> bool:
    return isinstance(known.dtype, pl.String) and bool(known.str.to_lowercase().is_in([*TRUE, *FALSE]).all())


def _as_numbers(known: pl.Series) -> pl.Series:
    """Text that is all finite numbers, as numbers; anything else as it is."""
    if not isinstance(known.dtype, pl.String):
        return known
    numbers = known.cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == 0 and numbers.is_finite().all() else known


def _numeric(name: str, known: pl.Series, missing: str) -> Column | str:
    if not known.is_finite().all():
        return "some of its numbers are not finite"
    if set(known.unique().to_list()) <= {0.0, 1.0}:
        return Binary(name=name, missing=missing)
    low, high = known.to_numpy().min().item(), known.to_numpy().max().item()
    if low == high:
        return "it never changes"
    if max(abs(low), abs(high)) > LARGEST:
        return "some of its numbers are too large for 32 bits"
    slack = (high - low) / 2
    # What was seen is not all that can be true: half the span more on either side, but not below a natural 0.
    low = 0.0 if 0 <= low <= slack else _round(low - slack, math.floor)
    return Numeric(name=name, low=low, high=_round(high + slack, math.ceil), missing=missing)


def _round(number: float, to: object) -> float:
    """Two digits, downwards with floor, upwards with ceil."""
    if number == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return float(f"{to(number / step) * step:.12g}")  # type: ignore[operator]  # floor or ceil


def _categorical(cells: pl.Series, known: pl.Series, missing: str) -> Column | str:
    if not isinstance(known.dtype, (pl.String, pl.Categorical, pl.Enum)):
        return f"it holds {known.dtype}, neither numbers nor words"
    names = sorted(known.cast(pl.String).str.strip_chars().unique().to_list())
    if len(names) > max(MOST_CATEGORIES, min(len(known) // ROWS_EACH, MOST_OF_ALL)):
        return f"it holds {len(names)} different words: a name, a date or a free text"
    return Categorical(name=cells.name, categories=tuple(names), missing=missing)
