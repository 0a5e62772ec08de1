from __future__ import annotations

import math
from typing import Annotated

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from models.errors import BadInput, Refusal
from models.rows import decode_rows, encode_rows, encode_typed, refusals, row_type
from models.schema import Binary, Categorical, Column, Numeric, Schema
from models.table import encode_table
from tests import handmade

AWKWARD = [
    "has space", "model_config", "model_fields", "class", "_private", "__init__", "a.b", "größe", "copy", "json",
    "schema", "column_0", "column_1", "1", "rows", "kind", "self", " padded ", "a\nb", "validate", "日本",
]  # fmt: skip


def one(column: Column, cell: object) -> float:
    return float(encode_rows(Schema(columns=(column,)), [{column.name: cell}]).columns[0, 0])


def refused(schema: Schema, rows: object) -> str:
    with pytest.raises(BadInput) as caught:
        encode_rows(schema, rows)  # type: ignore[arg-type]  # that is the point
    return str(caught.value)


def test_rows_become_the_numbers_the_graph_takes() -> None:
    found = encode_rows(
        handmade.SCHEMA,
        [
            {"age": 61, "fluid": None, "new_vessels": True, "eye": "right"},
            {"eye": "left", "new_vessels": 0, "fluid": 12.5, "age": 0.0},
        ],
    ).columns
    assert found.dtype == np.float32
    assert np.array_equal(found, [[61, np.nan, 1, 1], [0, 12.5, 0, 0]], equal_nan=True)


def test_many_rows_become_what_a_slow_loop_makes_of_them() -> None:
    assert np.array_equal(
        encode_rows(handmade.SCHEMA, handmade.rows(500)).columns, handmade.encoded(500), equal_nan=True
    )


def test_a_category_is_its_place_in_the_schema_and_not_in_the_alphabet() -> None:
    assert [one(Categorical(name="k", categories=("b", "c", "a")), cell) for cell in "abc"] == [2.0, 0.0, 1.0]


def test_encoded_rows_are_decoded_to_what_a_person_would_write() -> None:
    columns = handmade.encoded(300)
    rows = decode_rows(handmade.SCHEMA, columns)
    assert np.array_equal(encode_rows(handmade.SCHEMA, rows).columns, columns, equal_nan=True)
    assert decode_rows(handmade.SCHEMA, np.array([[61, np.nan, 1, 1]], dtype=np.float32)) == [
        {"age": 61.0, "fluid": None, "new_vessels": 1, "eye": "right"}
    ]


def test_a_refused_request_as_a_whole_is_said_by_the_path_of_what_is_wrong_with_it() -> None:
    class Request(BaseModel):
        rows: Annotated[list[row_type(handmade.SCHEMA)], Field(min_length=1)]  # type: ignore[misc]

    def texts(body: object) -> list[str]:
        with pytest.raises(ValidationError) as caught:
            Request.model_validate(body)
        return [str(refusal) for refusal in refusals(handmade.SCHEMA, caught.value)]

    assert texts({"rows": []}) == ["rows: should have at least 1 item after validation, not 0, got list of 0."]
    assert texts({}) == ["rows: Field required, got nothing."]
    assert texts({"rows": 5}) == ["rows: should be a valid list, got 5."]
    assert texts({"rows": [GOOD | {"age": "old"}]}) == [f"rows.0.age: {AGE}, got 'old'."]
    assert texts([1, 2]) == ["body: should be a valid dictionary or instance of Request, got list of 2."]


def test_typed_rows_are_encoded_by_name_whatever_order_they_were_written_in() -> None:
    typed = row_type(handmade.SCHEMA).model_validate({"eye": "right", "new_vessels": None, "fluid": 1, "age": 3})
    found = encode_typed(handmade.SCHEMA, [typed]).columns
    assert np.array_equal(found, [[3, 1, np.nan, 1]], equal_nan=True)


def test_the_row_type_describes_unit_range_and_meaning() -> None:
    document = row_type(handmade.SCHEMA).model_json_schema()
    assert document["additionalProperties"] is False
    assert document["required"] == list(handmade.SCHEMA.names)
    age = document["properties"]["age"]
    assert (age["minimum"], age["maximum"], age["unit"]) == (0.0, 120.0, "years")
    assert age["description"] == "age at the visit; should be a number from 0 to 120 years."
    assert document["properties"]["eye"]["enum"] == ["left", "right"]


def test_the_row_type_of_one_schema_is_made_once() -> None:
    assert row_type(handmade.SCHEMA) is row_type(Schema.model_validate(handmade.SCHEMA.model_dump()))


GOOD = {"age": 61, "fluid": None, "new_vessels": 1, "eye": "left"}
AGE = "should be a number from 0 to 120 years"
VESSELS = "should be 0, 1, false or true, or empty"
EYE = "should be one of left, right"


@pytest.mark.parametrize(
    ("name", "cell", "text"),
    [
        ("age", float("nan"), f"rows.1.age: {AGE}, got nan."),
        ("age", float("inf"), f"rows.1.age: {AGE}, got inf."),
        ("age", float("-inf"), f"rows.1.age: {AGE}, got -inf."),
        ("age", 6e9, f"rows.1.age: {AGE}, got 6000000000.0."),
        ("age", 120.00000000000003, f"rows.1.age: {AGE}, got 120.00000000000003."),
        ("age", -5e-324, f"rows.1.age: {AGE}, got -5e-324."),
        ("age", 10**400, f"rows.1.age: {AGE}, got 1{'0' * 36}...."),
        ("age", "60", f"rows.1.age: {AGE}, got '60'."),
        ("age", True, f"rows.1.age: {AGE}, got True."),
        ("age", None, f"rows.1.age: {AGE}, got None."),
        ("age", [60], f"rows.1.age: {AGE}, got [60]."),
        ("age", 60 + 1j, f"rows.1.age: {AGE}, got (60+1j)."),
        ("fluid", float("nan"), "rows.1.fluid: should be a number from 0 to 900 um, or empty, got nan."),
        ("fluid", "", "rows.1.fluid: should be a number from 0 to 900 um, or empty, got ''."),
        ("new_vessels", 2, f"rows.1.new_vessels: {VESSELS}, got 2."),
        ("new_vessels", 0.5, f"rows.1.new_vessels: {VESSELS}, got 0.5."),
        ("new_vessels", "true", f"rows.1.new_vessels: {VESSELS}, got 'true'."),
        ("new_vessels", float("nan"), f"rows.1.new_vessels: {VESSELS}, got nan."),
        ("eye", "Left", f"rows.1.eye: {EYE}, got 'Left'."),
        ("eye", 0, f"rows.1.eye: {EYE}, got 0."),
        ("eye", None, f"rows.1.eye: {EYE}, got None."),
        ("eye", "x" * 50, f"rows.1.eye: {EYE}, got '{'x' * 36}...."),
        ("ey", "left", "rows.1.ey: is not a column of this model (age, fluid, new_vessels, eye), got 'left'."),
    ],
)
def test_pitfall_a_cell_that_breaks_the_contract_is_refused_by_its_path(name: str, cell: object, text: str) -> None:
    assert refused(handmade.SCHEMA, [GOOD, GOOD | {name: cell}]) == text


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "rows: should hold at least one row, got an empty list."),
        ({}, "rows: should be a list of rows, got dict."),
        ("age", "rows: should be a list of rows, got str."),
        (b"age", "rows: should be a list of rows, got bytes."),
        (None, "rows: should be a list of rows, got NoneType."),
        (iter([GOOD]), "rows: should be a list of rows, got list_iterator."),
        ([GOOD, 5], "rows.1: should be a mapping of column names to values, got 5."),
        ([None], "rows.0: should be a mapping of column names to values, got None."),
        ([[61, None, 1, "left"]], "rows.0: should be a mapping of column names to values, got [61, None, 1, 'left']."),
        (
            [{"age": 61, "fluid": None, "new_vessels": 1}],
            "rows.0.eye: should be one of left, right, and always given, got nothing.",
        ),
        (
            [{"age": 61, "new_vessels": 1, "eye": "left"}],
            "rows.0.fluid: should be a number from 0 to 900 um, or empty, and always given, got nothing.",
        ),
    ],
)
def test_what_is_no_list_of_whole_rows_is_refused(rows: object, text: str) -> None:
    assert refused(handmade.SCHEMA, rows) == text


def test_every_bad_value_is_named_once_and_the_first_five_are_shown() -> None:
    with pytest.raises(BadInput) as caught:
        encode_rows(handmade.SCHEMA, [GOOD | {"age": -1, "new_vessels": 7}] * 3 + [GOOD | {"eye": "both"}])
    assert [refusal.path for refusal in caught.value.refusals] == [
        f"rows.{row}.{name}" for row in range(3) for name in ("age", "new_vessels")
    ] + ["rows.3.eye"]
    assert str(caught.value).splitlines() == [
        *(str(refusal) for refusal in caught.value.refusals[:5]),
        "... and 2 more.",
    ]


def test_exactly_five_refusals_are_all_shown_without_a_rest() -> None:
    assert refused(handmade.SCHEMA, [GOOD | {"age": -1}] * 5).count("\n") == 4


def test_an_error_needs_something_that_was_refused() -> None:
    with pytest.raises(ValueError, match="at least one refusal"):
        BadInput([])
    assert str(Refusal("rows.0.a", "should be", "x")) == "rows.0.a: should be, got x."


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("first", [True, False])
def test_any_name_will_do_for_a_column(name: str, first: bool) -> None:  # noqa: FBT001  # its place
    columns = (Numeric(name=name, low=0, high=1), Binary(name="other"))
    schema = Schema(columns=columns if first else columns[::-1])
    row = {name: 0.5, "other": 1}
    place = 0 if first else 1
    assert encode_rows(schema, [row]).columns[0, place] == 0.5
    assert refused(schema, [row, row | {name: 7}]) == f"rows.1.{name}: should be a number from 0 to 1, got 7."
    encoded = encode_table(schema, pl.DataFrame({"other": [1, 1], name: [0.5, 7.0]}))
    assert encoded.values[0, place] == 0.5
    assert str(encoded.refused[0]) == f"rows.1.{name}: should be a number from 0 to 1, got 7.0."
    assert name in row_type(schema).model_json_schema()["properties"]


@pytest.mark.parametrize("cell", [-0.0, 1e-45, 5e-324, 2**24 + 1, 10**29, 0.1, np.float64(2.5), np.int64(3)])
def test_numbers_are_rounded_to_32_bits_and_never_otherwise_changed(cell: float) -> None:
    column = Numeric(name="a", low=-1e30, high=1e30)
    found = one(column, cell)
    assert found == np.float32(cell)
    assert math.copysign(1, found) == math.copysign(1, cell)


@settings(deadline=None, max_examples=300)
@given(
    st.floats(-1e30, 1e30, width=64),
    st.floats(-1e30, 1e30, width=64),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_a_number_is_taken_exactly_if_it_lies_in_its_range_and_then_the_graph_takes_it_too(
    first: float, second: float, cell: float
) -> None:
    low, high = min(first, second), max(first, second)
    if low == high:
        return
    column = Numeric(name="a", low=low, high=high)
    if low <= cell <= high:
        found = np.float32(one(column, cell))
        least, most = Schema(columns=(column,)).bounds[:, 0]
        assert least <= found <= most
    else:
        assert refused(Schema(columns=(column,)), [{"a": cell}]).startswith("rows.0.a: should be a number from")


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(), st.floats(), st.text(max_size=3),
    st.sampled_from(["left", "right", "1", "true", "0.0"]),
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.fixed_dictionaries(dict.fromkeys(handmade.SCHEMA.names, CELLS)))
def test_a_row_is_refused_for_each_cell_that_is_bad_and_for_no_other(row: dict[str, object]) -> None:
    def good(name: str, cell: object) -> bool:
        column = handmade.SCHEMA.by_name[name]
        if cell is None:
            return column.missing == "impute"
        if isinstance(column, Numeric):
            return isinstance(cell, (int, float)) and not isinstance(cell, bool) and column.low <= cell <= column.high
        if isinstance(column, Binary):
            return isinstance(cell, (bool, int, float)) and cell in {0, 1}
        assert isinstance(column, Categorical)
        return cell in column.categories

    bad = [f"rows.0.{name}" for name in handmade.SCHEMA.names if not good(name, row[name])]
    try:
        encode_rows(handmade.SCHEMA, [row])
        found = []
    except BadInput as error:
        found = [refusal.path for refusal in error.refusals]
    assert found == bad
