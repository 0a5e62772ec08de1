"""A column of Arrow -> its numbers, if every cell of it is shown to be good at once; else nothing is said.

Looking at whole columns costs a few nanoseconds a cell. Whatever is not shown to be good here is looked at cell by
cell in `models.table`, which alone says what is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.schema import FALSE, TRUE, Binary, Categorical, Column

# Whole numbers up to here are the same in 64-bit floats.
EXACT = 1 << 53


def proven(column: Column, cells: pa.ChunkedArray) -> NDArray[Any] | None:
    """Numbers [rows] of any kind, NaN where a cell is empty and may be; None if a cell is bad, or may be.

    As float32 they are what the graph takes.

    >>> from models.schema import Numeric
    >>> age = Numeric(name="age", low=0, high=120, missing="impute")
    >>> proven(age, pa.chunked_array([[61.5, None]])).tolist(), proven(age, pa.chunked_array([[61.5, 130.0]]))
    ([61.5, nan], None)
    """
    if cells.null_count and column.missing != "impute":
        return None
    if _is_text(cells.type):
        return _named(column, cells)
    if isinstance(column, Categorical):
        return None
    if pa.types.is_boolean(cells.type) and isinstance(column, Binary):
        cells = cells.cast(pa.uint8())
    elif not (pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type)):
        return None
    return _measured(column, cells)


def _measured(column: Column, cells: pa.ChunkedArray) -> NDArray[Any] | None:
    parts = [_measures(column, chunk) for chunk in cells.chunks]
    good = [numbers for numbers in parts if numbers is not None]
    if len(good) < len(parts):
        return None
    return good[0] if len(good) == 1 else np.concatenate([np.empty(0), *good])


def _measures(column: Column, cells: pa.Array) -> NDArray[np.float32] | None:
    """Numbers, NaN where a cell is empty; None if one is bad."""
    values, empty = _held(cells)
    # What lies in memory where a cell is empty is most often a number as good as any, but it is no cell.
    if not _keeps(column, values) and not (len(empty) and _keeps(column, np.delete(values, empty))):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        found = values.astype(np.float32)
    found[empty] = np.nan
    return found


def _keeps(column: Column, values: NDArray[Any]) -> bool:
    """Whether all numbers are in the bounds of a column, and whole where they have to be."""
    if not len(values):
        return True
    # A NaN among them makes both NaN, and no comparison with NaN is true. As numbers of Python: in 32 bits 0.3 would be
    # compared with the bound 0.3 as rounded to 32 bits, and pass.
    lowest, highest = values.min().item(), values.max().item()
    low, high = column.bounds
    inside = max(low, -EXACT) <= lowest and highest <= min(high, EXACT)
    return inside and (not column.whole or bool((values == np.floor(values)).all()))


def _named(column: Column, cells: pa.ChunkedArray) -> NDArray[np.float32] | None:
    """Texts that are names of something; numbers written as text are left to whoever reads them one by one."""
    names = _names(column)
    if names is None:
        return None
    known = _known(names)
    found = np.empty(len(cells), dtype=np.float32)
    start = 0
    for chunk in cells.chunks:
        part = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        numbers = known.numbers(part.dictionary)
        found[start : start + len(part)] = numbers[_places(part.indices)]
        start += len(part)
    return found if np.count_nonzero(np.isnan(found)) == cells.null_count else None


@dataclass(frozen=True)
class _Known:
    """Names, and the number of each; NaN at the end, for a name that is not known and for an empty cell."""

    names: pa.Array
    values: NDArray[np.float32]

    def numbers(self, names: pa.Array) -> NDArray[np.float32]:
        """The number of each of some names, and NaN at the end."""
        found = self.values[_places(pc.index_in(names.cast(pa.string()), value_set=self.names))]
        return np.append(found, self.values[-1])


@lru_cache(maxsize=1024)
def _known(names: tuple[tuple[str, float], ...]) -> _Known:
    texts = pl.Series([name for name, _ in names]).to_arrow().cast(pa.string())
    return _Known(texts, np.array([*(number for _, number in names), np.nan], dtype=np.float32))


def _places(cells: pa.Array) -> NDArray[Any]:
    """Whole numbers, -1 where a cell is empty."""
    values, empty = _held(cells)
    if len(empty):
        values = values.copy()
        values[empty] = -1
    return values


def _held(cells: pa.Array) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Numbers as they lie in memory, and which of them do not count, for their cells are empty.

    Arrow's own ways to numpy load pandas wherever that is installed, which takes a second.
    """
    bits, data = cells.buffers()
    start, many = cells.offset, len(cells)
    kind = np.dtype(cells.type.to_pandas_dtype())
    values = np.frombuffer(data, dtype=kind, count=start + many)[start:] if many else np.empty(0, kind)
    if not cells.null_count:
        return values, np.empty(0, dtype=np.intp)
    empty = np.unpackbits(~np.frombuffer(bits, dtype=np.uint8), count=start + many, bitorder="little")[start:]
    return values, np.flatnonzero(empty.view(np.bool_))


def _names(column: Column) -> tuple[tuple[str, float], ...] | None:
    if isinstance(column, Categorical):
        return tuple((name, float(place)) for place, name in enumerate(column.categories))
    if isinstance(column, Binary):
        return (*((word, 1.0) for word in TRUE), *((word, 0.0) for word in FALSE))
    return None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
