"""The datatypes of the Open Inference Protocol: how values of each are written in JSON and in bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Cells
from models.errors import BadInput, Refusal, shown
from models.schema import Binary, Categorical, Schema

BOOL, FP32, BYTES = "BOOL", "FP32", "BYTES"
# Numbers that a column may be sent in, with how numpy calls them: little-endian, as the protocol has them.
NUMBERS: Mapping[str, np.dtype[Any]] = {
    FP32: np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    **{f"INT{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
}
# A byte that is neither 0 nor 1 is refused with the column, so it is read as what it is.
FIXED: Mapping[str, np.dtype[Any]] = {BOOL: np.dtype("u1"), **NUMBERS}
NONE = type(None)
# What each may be in JSON, and between which numbers. NaN is beyond none of them: it says that a cell is empty.
TYPES: Mapping[str, frozenset[type]] = {
    BYTES: frozenset({str, NONE}),
    BOOL: frozenset({bool, NONE}),
    **{name: frozenset({int, float, NONE} if kind.kind == "f" else {int, NONE}) for name, kind in NUMBERS.items()},
}
LIMITS: Mapping[str, tuple[float, float]] = {
    BOOL: (0, 1),
    **{
        name: (-float(np.finfo(kind).max), float(np.finfo(kind).max))
        if kind.kind == "f"
        else (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
        for name, kind in NUMBERS.items()
    },
}
LENGTH = struct.Struct("<I")


def takes(schema: Schema, name: str) -> tuple[str, ...]:
    """The datatypes in which a column, or the photograph, may be sent; the first is the one it is described by."""
    column = schema.by_name.get(name)
    if column is None or isinstance(column, Categorical):
        return (BYTES,)
    if isinstance(column, Binary):
        # What may be empty is described as a number, since only there NaN can say so.
        return (FP32, BOOL, *list(NUMBERS)[1:]) if column.missing == "impute" else (BOOL, *NUMBERS)
    return tuple(NUMBERS)


def from_bytes(datatype: str, sent: bytes, rows: int, at: str) -> Cells:
    """The values of a tensor that was sent as bytes.

    Raises BadInput if these are not as many as there are rows.
    """
    if datatype == BYTES:
        return _words(sent, rows, at)
    kind = FIXED[datatype]
    if len(sent) != rows * kind.itemsize:
        rule = f"should be {rows * kind.itemsize}, for {rows} values of {datatype}"
        raise BadInput([Refusal(f"{at}.parameters.binary_data_size", rule, str(len(sent)))])
    return np.frombuffer(sent, dtype=kind)


def _words(sent: bytes, rows: int, at: str) -> list[bytes]:
    """Values of BYTES: each has its length before it, 4 bytes."""
    words: list[bytes] = []
    begin, end, read = 0, len(sent), LENGTH.unpack_from
    for row in range(rows):
        if end - begin < LENGTH.size:
            rule = f"should be a value with its length in {LENGTH.size} bytes before it"
            raise BadInput([Refusal(f"{at}.{row}", rule, f"{end - begin} bytes left")])
        first = begin + LENGTH.size
        begin = first + read(sent, begin)[0]
        if begin > end:
            rule = f"should be as long as the {LENGTH.size} bytes before it say, {begin - first}"
            raise BadInput([Refusal(f"{at}.{row}", rule, f"{end - first} bytes left")])
        words.append(sent[first:begin])
    if begin < end:
        raise BadInput([Refusal(at, f"should hold {rows} values", f"{end - begin} bytes more")])
    return words


def from_json(datatype: str, data: list[Any], shape: Sequence[int], at: str) -> Cells:
    """The values of a tensor that was sent in JSON, flat or as its shape says; null where a cell is empty.

    Raises BadInput if these are not as many as there are rows, or not of the datatype.
    """
    if len(shape) == 2 and all(isinstance(cell, list) and len(cell) == 1 for cell in data):
        data = [cell[0] for cell in data]
    if len(data) != shape[0]:
        raise BadInput([Refusal(f"{at}.data", f"should hold {shape[0]} values, as its shape says", str(len(data)))])
    if TYPES[datatype].issuperset(map(type, data)):
        if datatype == BYTES:
            return data
        # None becomes NaN. Whole numbers of 64 bits may be rounded, as they are in any other request.
        with suppress(OverflowError):
            numbers = np.array(data, dtype=np.float64)
            low, high = map(float, LIMITS[datatype])
            if not ((numbers < low) | (numbers > high)).any():
                return numbers.astype(np.float32) if datatype == FP32 else numbers
    rule = f"should be {_named(datatype)}, as {datatype} is"
    raise BadInput(
        [Refusal(f"{at}.{row}", rule, shown(cell)) for row, cell in enumerate(data) if not _fits(datatype, cell)]
    )


def _named(datatype: str) -> str:
    number = "a number" if float in TYPES[datatype] else "a whole number"
    return {BYTES: "text", BOOL: "false or true"}.get(datatype, number)


def _fits(datatype: str, cell: Any) -> bool:
    """Whether a value of JSON is one of a datatype, or an empty cell."""
    if type(cell) not in TYPES[datatype]:
        return False
    low, high = LIMITS.get(datatype, (0, 0))
    return cell is None or datatype == BYTES or not (cell < low or cell > high)


def to_bytes(values: NDArray[Any] | list[str]) -> bytes:
    """Values of an answer as bytes; there are few different words."""
    if isinstance(values, list):
        packed = {word: LENGTH.pack(len(word.encode())) + word.encode() for word in set(values)}
        return b"".join(map(packed.__getitem__, values))
    return values.astype(values.dtype.newbyteorder("<")).tobytes()
