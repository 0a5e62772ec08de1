"""Columns that are shown to be good at once are those whose cells are good one by one, with the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.proven import proven
from models.schema import Binary, Categorical, Column, Numeric, Schema
from models.table import encode_table
from serving.chunk import Chunk, encode_chunk

NAN, INF = float("nan"), float("inf")
KINDS: dict[str, pa.DataType] = {
    **{str(kind): kind for kind in (pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.null())},
    **{str(kind): kind for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): kind for kind in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
    **{str(kind): kind for kind in (pa.string(), pa.large_string(), pa.string_view())},
    "names": pa.dictionary(pa.int32(), pa.string()),
    "few names": pa.dictionary(pa.int8(), pa.large_string()),
}
WORDS = ["left", "right", "Left", " left", "", "0", "1", "1.0", "0.0", "true", "TRUE", "false", "no", "61", "5e1", "é"]
NUMBERS = [
    0.0,
    -0.0,
    1.0,
    0.5,
    0.1,
    61.5,
    119.999999,
    120.0,
    120.0001,
    130.0,
    -1.0,
    1e9,
    2.0**53,
    1e300,
    NAN,
    INF,
    -INF,
]
BIG = [0, 1, 2, 61, 120, 121, -1, 2**24 + 1, 2**53, 2**53 + 1, 2**53 + 2**29 + 1, 2**63 - 1, -(2**63), 2**64 - 1]
# Some bounds are no number of 16 or of 32 bits.
BOUNDS = [(0, 120), (0.1, 0.3), (-0.1, 61.1), (0, 2.0**53), (-1e30, 1e30), (0.5, 900.3)]


def columns() -> st.SearchStrategy[Column]:
    missing = st.sampled_from(["refuse", "impute"])
    return st.one_of(
        st.builds(
            lambda bounds, empty: Numeric(name="x", low=bounds[0], high=bounds[1], missing=empty),
            st.sampled_from(BOUNDS),
            missing,
        ),
        st.builds(lambda empty: Binary(name="x", missing=empty), missing),
        st.builds(lambda empty: Categorical(name="x", categories=("left", "right", "é"), missing=empty), missing),
    )


def fits(kind: pa.DataType, number: int) -> bool:
    low, high = (
        (0, 2**kind.bit_width)
        if str(kind).startswith("u")
        else (-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1))
    )
    return low <= number < high


def cells_of(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_null(kind):
        return st.none()
    if pa.types.is_boolean(kind):
        return st.booleans()
    if pa.types.is_integer(kind):
        return st.sampled_from([number for number in BIG if fits(kind, number)])
    if pa.types.is_floating(kind):
        numbers = st.sampled_from(NUMBERS) | st.floats(0, 120) | st.floats(0, 1)
        most = {16: 65504.0, 32: 3e38, 64: INF}[kind.bit_width]
        return numbers.filter(lambda number: not abs(number) > most or abs(number) == INF)
    return st.sampled_from(WORDS)


@st.composite
def arrays(draw: st.DrawFn, kind: pa.DataType) -> pa.ChunkedArray:
    """Several chunks, each a slice of a longer array, of dictionaries each its own; mostly good cells among them."""
    favourites = draw(st.lists(cells_of(kind), min_size=1, max_size=2))
    empty = draw(st.sampled_from([0, 1, 1, 2]))
    cell = st.sampled_from(favourites + [None] * (empty > 1)) if empty else cells_of(kind) | st.none()
    chunks = []
    for _ in range(draw(st.integers(0, 3))):
        cells = draw(st.lists(cell, max_size=6))
        if pa.types.is_float16(kind):
            cells = [None if each is None else np.float16(each) for each in cells]
        made = pa.array(cells, kind)
        start = draw(st.integers(0, len(cells)))
        chunks.append(made.slice(start, draw(st.integers(0, len(cells)))))
    return pa.chunked_array(chunks, kind)


def frame(table: pa.Table) -> pl.DataFrame:
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    return found


def can_be_read(column: Column, kind: pa.DataType) -> bool:
    """Whether a column of that type is looked at at all: others are refused before."""
    if isinstance(column, Categorical):
        return not (pa.types.is_floating(kind) or pa.types.is_boolean(kind))
    return isinstance(column, Binary) or not (pa.types.is_boolean(kind) or pa.types.is_dictionary(kind))


@given(data=st.data(), column=columns(), name=st.sampled_from(list(KINDS)))
def test_what_is_shown_to_be_good_is_good_cell_by_cell_with_the_same_bits(
    data: st.DataObject, column: Column, name: str
) -> None:
    if not can_be_read(column, KINDS[name]):
        return
    cells = data.draw(arrays(KINDS[name]))
    found = proven(column, cells)
    wanted = encode_table(Schema(columns=(column,)), frame(pa.table({"x": cells})))
    if found is not None:
        assert wanted.good.all()
        assert found.astype(np.float32).view(np.uint32).tolist() == wanted.values[:, 0].view(np.uint32).tolist()


AGE, HALF = Numeric(name="x", low=0, high=120), Numeric(name="x", low=0.1, high=0.3, missing="impute")
YES, EYE = Binary(name="x"), Categorical(name="x", categories=("left", "right"))


@pytest.mark.parametrize(
    ("column", "cells", "numbers"),
    [
        (AGE, pa.array([0.0, 61.5, 120.0]), [0, 61.5, 120]),
        (AGE, pa.array([0, 61], pa.uint64()), [0, 61]),
        (AGE, pa.array([np.float16(1.5)]), [1.5]),
        (HALF, pa.array([0.2, None], pa.float32()), [np.float32(0.2), NAN]),
        (HALF, pa.array([None, None], pa.float64()), [NAN, NAN]),
        (HALF, pa.array([None], pa.string()), None),
        (YES, pa.array([True, False]), [1, 0]),
        (YES, pa.array([1, 0], pa.int8()), [1, 0]),
        (YES, pa.array(["1", "false", "1.0"]), [1, 0, 1]),
        (EYE, pa.array(["right", "left"]), [1, 0]),
        (EYE, pa.array(["right", "left"], pa.large_string()).dictionary_encode(), [1, 0]),
        (EYE, pa.array(["right", "left"], pa.string_view()), [1, 0]),
        (AGE, pa.array([], pa.float64()), []),
        (AGE, pa.array([61.5, None]), None),
        (AGE, pa.array([NAN]), None),
        (HALF, pa.array([NAN, 0.2]), None),
        (HALF, pa.array([NAN, None]), None),
        (AGE, pa.array([INF]), None),
        (AGE, pa.array([-INF, 5.0]), None),
        (AGE, pa.array([120.0001]), None),
        (AGE, pa.array([-1]), None),
        (AGE, pa.array(["61"]), None),
        # In 32 and in 16 bits 0.3 is another number, which is above it.
        (HALF, pa.array([0.3], pa.float32()), None),
        (HALF, pa.array([np.float16(0.3)]), None),
        (HALF, pa.array([np.float16(0.25)]), [0.25]),
        (Numeric(name="x", low=0, high=900.3), pa.array([np.float16(900.5)]), None),
        (YES, pa.array([0.5]), None),
        (YES, pa.array([2]), None),
        (YES, pa.array(["yes"]), None),
        (YES, pa.array(["1", None]), None),
        (EYE, pa.array(["middle"]), None),
        (EYE, pa.array([1, 0]), None),
        # Rounded to 32 bits at once it is the next number above what it is by way of 64 bits.
        (Numeric(name="x", low=0, high=2e18), pa.array([2**60 + 2**36 + 1]), None),
    ],
)
def test_good_columns_are_shown_to_be_good_and_others_are_left_alone(
    column: Column, cells: pa.Array, numbers: list[float] | None
) -> None:
    found = proven(column, pa.chunked_array([cells]))
    if numbers is None:
        assert found is None
    else:
        assert found is not None
        np.testing.assert_array_equal(found, np.array(numbers, dtype=np.float32))


def test_a_null_among_the_names_of_a_dictionary_is_no_name() -> None:
    cells = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["left", None]))])
    assert proven(EYE, cells) is None
    assert proven(EYE.model_copy(update={"missing": "impute"}), cells) is None


COLUMNS = (
    Numeric(name="age", low=0, high=120),
    Numeric(name="fluid", low=-0.1, high=900.3, missing="impute"),
    Binary(name="vessels", missing="impute"),
    Categorical(name="eye", categories=("left", "right")),
)


@given(data=st.data())
def test_rows_with_some_bad_cells_are_encoded_as_all_cells_one_by_one(data: st.DataObject) -> None:
    rows, good = data.draw(st.integers(0, 8)), {"age": 61.0, "fluid": None, "vessels": True, "eye": "left"}
    kinds = {"age": "double", "fluid": "float", "vessels": "bool", "eye": "string"}
    made = {}
    for name, cell in good.items():
        names = "names" if name in {"vessels", "eye"} else "large_string"
        kind = KINDS[data.draw(st.sampled_from([kinds[name], kinds[name], "string", names]))]
        text = not (pa.types.is_floating(kind) or pa.types.is_boolean(kind))
        usual = str(cell).lower() if text and cell is not None else cell
        cells = data.draw(
            st.lists(st.sampled_from([usual] * 5) | cells_of(kind) | st.none(), min_size=rows, max_size=rows)
        )
        made[name] = pa.array(cells, kind)
    table, schema = pa.table({**made, "note": pa.array(["x"] * rows)}), Schema(columns=COLUMNS)
    found, wanted = encode_chunk(schema, Chunk(7, table)), encode_table(schema, frame(table), first_row=7)
    assert found.good.tolist() == wanted.good.tolist()
    assert found.values.view(np.uint32).tolist() == wanted.values.view(np.uint32).tolist()
    assert found.refused == wanted.refused
