"""A column of Arrow -> its numbers, if every cell of it is shown to be good at once; else nothing is said.

Looking at whole columns costs a few nanoseconds a cell. Whatever is not shown to be good here is looked at cell by
cell in `models.table`, which alone says what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.schema import FALSE, TRUE, Binary, Categorical, Column

# Whole numbers up to here are the same in 64-bit floats.
EXACT = 1 << 53


def proven(column: Column, cells: pa.ChunkedArray) -> NDArray[np.float32] | None:
    """float32 [rows], NaN where a cell is empty and may be; None if a cell is bad, or may be.

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


def _measured(column: Column, cells: pa.ChunkedArray) -> NDArray[np.float32] | None:
    parts = [_measures(chunk) for chunk in cells.chunks]
    numbers = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0), *parts])
    empty = cells.null_count
    if empty == len(numbers):
        return np.full(len(numbers), np.nan, dtype=np.float32)
    # Without empty cells a NaN among them makes both NaN, and no comparison with NaN is true.
    if empty:
        if np.count_nonzero(numbers != numbers) != empty:  # noqa: PLR0124  # NaN alone is not itself
            return None
        lowest, highest = np.fmin.reduce(numbers), np.fmax.reduce(numbers)
    else:
        lowest, highest = numbers.min(), numbers.max()
    low, high = column.bounds
    # As numbers of Python: in 32 bits 0.3 would be compared with the bound 0.3 as rounded to 32 bits, and pass.
    if not (max(low, -EXACT) <= lowest.item() and highest.item() <= min(high, EXACT)):
        return None
    if column.whole and np.count_nonzero(numbers == np.floor(numbers)) != len(numbers) - empty:
        return None
    found: NDArray[np.float32] = numbers.astype(np.float32)
    return found


def _measures(cells: pa.Array) -> NDArray[Any]:
    """Numbers, NaN where a cell is empty."""
    values, there = _held(cells)
    if there is None:
        return values
    numbers = values.astype(np.result_type(values.dtype, np.float16))
    numbers[~there] = np.nan
    return numbers


def _named(column: Column, cells: pa.ChunkedArray) -> NDArray[np.float32] | None:
    """Texts that are names of something; numbers written as text are left to whoever reads them one by one."""
    numbers = _numbers(column)
    if numbers is None:
        return None
    found = np.empty(len(cells), dtype=np.float32)
    start = 0
    for chunk in cells.chunks:
        part = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        known = _known(part.dictionary, numbers)
        places, there = _held(part.indices)
        found[start : start + len(part)] = known[places if there is None else np.where(there, places, len(known) - 1)]
        start += len(part)
    return found if np.count_nonzero(np.isnan(found)) == cells.null_count else None


def _known(names: pa.Array, numbers: Mapping[str, float]) -> NDArray[np.float32]:
    """The number of each name, NaN of one that is not known; and NaN at the end, for an empty cell."""
    known = pl.Series(list(numbers)).to_arrow().cast(pa.string())
    places, there = _held(pc.index_in(names.cast(pa.string()), value_set=known))
    values = np.array([*numbers.values(), np.nan], dtype=np.float32)
    found = values[places if there is None else np.where(there, places, len(numbers))]
    return np.append(found, np.float32(np.nan))


def _held(cells: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Numbers as they lie in memory, and which of them count, None for all.

    Arrow's own ways to numpy load pandas wherever that is installed, which takes a second.
    """
    bits, data = cells.buffers()
    start, many = cells.offset, len(cells)
    kind = np.dtype(cells.type.to_pandas_dtype())
    values = np.frombuffer(data, dtype=kind, count=start + many)[start:] if many else np.empty(0, kind)
    if not cells.null_count:
        return values, None
    there = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=start + many, bitorder="little")[start:]
    return values, there.astype(bool)


def _numbers(column: Column) -> Mapping[str, float] | None:
    if isinstance(column, Categorical):
        return {name: float(place) for place, name in enumerate(column.categories)}
    if isinstance(column, Binary):
        return {**dict.fromkeys(TRUE, 1.0), **dict.fromkeys(FALSE, 0.0)}
    return None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
