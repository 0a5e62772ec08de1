from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from models.schema import Binary, Categorical, Column, Numeric, Schema
from tests.handmade import SCHEMA


def test_every_kind_says_its_rule_in_words() -> None:
    assert [column.rule for column in SCHEMA.columns] == [
        "should be a number from 0 to 120 years",
        "should be a number from 0 to 900 um, or empty",
        "should be 0, 1, false or true, or empty",
        "should be one of left, right",
    ]


def test_bounds_and_flags_are_one_for_each_column() -> None:
    assert SCHEMA.bounds.dtype == np.float32
    assert SCHEMA.bounds.tolist() == [[0, 0, 0, 0], [120, 900, 1, 1]]
    assert SCHEMA.may_be_empty.tolist() == [False, True, True, False]
    assert SCHEMA.whole.tolist() == [False, False, True, True]
    assert list(SCHEMA.by_name) == list(SCHEMA.names) == ["age", "fluid", "new_vessels", "eye"]


def test_a_cell_becomes_the_number_the_graph_takes() -> None:
    age, fluid, vessels, eye = SCHEMA.columns
    assert (age.number(61), vessels.number(True), vessels.number(0)) == (61.0, 1.0, 0.0)
    assert (eye.number("left"), eye.number("right")) == (0.0, 1.0)
    assert np.isnan([fluid.number(None), eye.number(None)]).all()


@pytest.mark.parametrize(
    "signals", [np.array([0x7F810000], np.uint32).view(np.float32), np.array([0x7FF0000000000001]).view(np.float64)]
)
def test_a_nan_that_signals_is_a_number_of_no_column_and_nobody_is_warned(signals: NDArray[np.floating]) -> None:
    assert np.isnan(signals).all()
    for column in SCHEMA.columns:
        assert not column.keeps(signals).any()


def test_a_schema_is_read_back_with_every_column_s_kind() -> None:
    again = Schema.model_validate_json(SCHEMA.model_dump_json())
    assert again == SCHEMA
    assert hash(again) == hash(SCHEMA)
    assert [type(column) for column in again.columns] == [Numeric, Numeric, Binary, Categorical]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ({"kind": "Numeric", "name": "a", "low": 2, "high": 1}, "low should be below high, got 2.0 and 1.0"),
        ({"kind": "Numeric", "name": "a", "low": 1, "high": 1}, "low should be below high, got 1.0 and 1.0"),
        ({"kind": "Numeric", "name": "a", "low": 0, "high": 1e39}, "should fit a 32-bit float"),
        ({"kind": "Numeric", "name": "a", "low": -1e39, "high": 0}, "should fit a 32-bit float"),
        ({"kind": "Numeric", "name": "a", "low": 0, "high": float("nan")}, "Input should be a finite number"),
        ({"kind": "Numeric", "name": "", "low": 0, "high": 1}, "String should have at least 1 character"),
        ({"kind": "Numeric", "name": "a", "low": 0}, "Field required"),
        ({"kind": "Binary", "name": "a", "missing": "drop"}, "Input should be 'refuse' or 'impute'"),
        (
            {"kind": "Categorical", "name": "a", "categories": ["x"]},
            "Tuple should have at least 2 items after validation, not 1",
        ),
        (
            {"kind": "Categorical", "name": "a", "categories": ["x", "x"]},
            "categories should be distinct and not empty, got ['x', 'x']",
        ),
        (
            {"kind": "Categorical", "name": "a", "categories": ["x", ""]},
            "categories should be distinct and not empty, got ['x', '']",
        ),
        (
            {"kind": "Categorical", "name": "a", "categories": ["x", " y"]},
            "categories should have no spaces around them, got ['x', ' y']",
        ),
        ({"kind": "Text", "name": "a"}, "kind should be one of Binary, Categorical, Numeric, got 'Text'"),
    ],
)  # fmt: skip
def test_a_column_that_can_not_be_is_refused(column: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Schema.model_validate({"columns": [column]})
    assert caught.value.errors()[0]["msg"].removeprefix("Value error, ") == text


def test_a_schema_has_columns_and_each_its_own_name() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        Schema(columns=())
    with pytest.raises(ValidationError) as caught:
        Schema(columns=(Binary(name="b"), Binary(name="a"), Binary(name="b"), Binary(name="a")))
    assert caught.value.errors()[0]["msg"] == "Value error, every column needs its own name, got a, b more than once"


def test_the_largest_32_bit_float_may_be_a_bound() -> None:
    largest = float(np.finfo(np.float32).max)
    column: Column = Numeric(name="a", low=-largest, high=largest)
    assert np.isfinite(Schema(columns=(column,)).bounds).all()
