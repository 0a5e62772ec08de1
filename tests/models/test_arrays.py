from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from models.arrays import encode_arrays
from models.columns import columns_type, encode_columns
from models.errors import BadInput
from models.schema import Binary, Categorical, Numeric, Schema
from tests import seeing
from tests.photographs import fundus, jpeg

SCHEMA = Schema(
    columns=(
        Numeric(name="share", low=-0.1, high=0.1),
        Numeric(name="size", unit="mm", low=0, high=900, missing="impute"),
        Binary(name="cough", missing="impute"),
        Categorical(name="eye", categories=("left", "right"), missing="impute"),
    )
)
GOOD: dict[str, Any] = {
    "share": np.array([0.1, -0.1]),
    "size": np.array([np.nan, 900]),
    "cough": np.array([1, np.nan]),
    "eye": ["left", None],
}


def refused(change: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as error:
        encode_arrays(SCHEMA, {**GOOD, **change}, at="inputs", most_named=100)
    return str(error.value)


def test_arrays_are_encoded_as_lists_are() -> None:
    lists = {"share": [0.1, -0.1], "size": [None, 900], "cough": [True, None], "eye": ["left", None]}
    typed = columns_type(SCHEMA, 10).model_validate(lists)
    found = encode_arrays(SCHEMA, GOOD, at="inputs", most_named=100)
    np.testing.assert_array_equal(found.columns, encode_columns(SCHEMA, typed).columns)
    assert found.columns.dtype == np.float32


def test_a_bound_is_compared_in_the_bits_of_the_cells() -> None:
    """0.1 as 32 bits is above 0.1 as 64 bits."""
    narrow = np.array([0.1, -0.1], dtype=np.float32)
    found = encode_arrays(SCHEMA, {**GOOD, "share": narrow}, at="inputs", most_named=100)
    np.testing.assert_array_equal(found.columns[:, 0], narrow)
    words = "inputs.share.0: should be a number from -0.1 to 0.1, got 0.10000000149011612."
    assert refused({"share": narrow.astype(np.float64)}).startswith(words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"share": np.array([np.nan, 0])}, "inputs.share.0: should be a number from -0.1 to 0.1, got nan."),
        ({"size": np.array([-1, 0])}, "inputs.size.0: should be a number from 0 to 900 mm, or empty, got -1."),
        ({"size": np.array([np.inf, 0])}, "inputs.size.0: should be a number from 0 to 900 mm, or empty, got inf."),
        (
            {"size": np.array([2**64 - 1, 0], np.uint64)},
            "inputs.size.0: should be a number from 0 to 900 mm, or empty, got 18446744073709551615.",
        ),
        ({"cough": np.array([0, 2], np.uint8)}, "inputs.cough.1: should be 0, 1, false or true, or empty, got 2."),
        ({"cough": np.array([0.5, 1])}, "inputs.cough.0: should be 0, 1, false or true, or empty, got 0.5."),
        ({"eye": ["up", "left"]}, "inputs.eye.0: should be one of left, right, or empty, got 'up'."),
        ({"eye": [b"left", b"LEFT"]}, "inputs.eye.1: should be one of left, right, or empty, got 'LEFT'."),
    ],
)
def test_a_bad_cell_is_named(change: dict[str, Any], words: str) -> None:
    assert refused(change) == words


def test_every_bad_cell_is_named_or_else_they_are_counted() -> None:
    bad = {**GOOD, "share": np.array([5, 5]), "eye": ["up", "down"]}
    assert refused(bad).count("\n") == 3
    with pytest.raises(BadInput, match="inputs: should hold at most 3 bad values to have them named, got 4"):
        encode_arrays(SCHEMA, bad, at="inputs", most_named=3)


@given(
    kind=some.sampled_from([np.float32, np.float64, np.int8, np.int64, np.uint64, np.bool_]),
    bits=some.binary(min_size=8),
)
def test_no_bits_become_a_number_outside_the_schema(kind: type[np.generic], bits: bytes) -> None:
    if kind is np.bool_:
        bits = bytes(bit % 2 for bit in bits)
    cells = np.frombuffer(bits[: len(bits) // 8 * 8], dtype=kind)
    for name in ("share", "size", "cough"):
        column = Schema(columns=(SCHEMA.by_name[name],))
        try:
            found = encode_arrays(column, {name: cells}, at="inputs", most_named=100).columns[:, 0]
        except BadInput:
            continue
        low, high = column.bounds
        empty = np.isnan(found)
        assert (column.columns[0].missing == "impute") or not empty.any()
        assert ((found >= low) & (found <= high) | empty).all()


def test_a_photograph_is_a_file_or_that_in_base64() -> None:
    given: dict[str, Any] = {"age": np.array([61.0]), "eye": ["left"], "photograph": [jpeg(fundus(1))]}
    found = encode_arrays(seeing.SCHEMA, given, at="inputs", most_named=100)
    assert found.image is not None
    np.testing.assert_array_equal(found.image[0], seeing.IMAGE.array(jpeg(fundus(1))))
    for cell, got in ((b"", "an empty file"), (None, "None"), (b"GIF89a", "a file of another kind")):
        with pytest.raises(BadInput) as error:
            encode_arrays(seeing.SCHEMA, {**given, "photograph": [cell]}, at="inputs", most_named=100)
        assert str(error.value) == f"inputs.photograph.0: {seeing.IMAGE.rule}, got {got}."
