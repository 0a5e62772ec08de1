from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.rows import encode_rows
from models.schema import Binary, Categorical, Column, Numeric, Schema
from models.table import check_columns, encode_table
from tests import handmade

NUMBER = Numeric(name="x", low=-10, high=10)


def column(kind: Column, cells: object, dtype: object = None) -> tuple[list[float], list[bool], list[str]]:
    """One column's numbers, which rows are good, and the refusals."""
    found = encode_table(Schema(columns=(kind,)), pl.DataFrame({kind.name: pl.Series(cells, dtype=dtype)}))  # type: ignore[arg-type]
    return found.values[:, 0].tolist(), found.good.tolist(), [str(refusal) for refusal in found.refused]


def test_rows_and_tables_of_the_same_people_are_the_same_array() -> None:
    rows = handmade.rows(2000, seed=4)
    encoded = encode_table(handmade.SCHEMA, pl.DataFrame(rows))
    assert encoded.good.all()
    assert encoded.refused == ()
    assert np.array_equal(encoded.values, encode_rows(handmade.SCHEMA, rows).columns, equal_nan=True)


def test_a_csv_file_and_a_parquet_file_of_the_same_people_are_the_same_array(tmp_path: Path) -> None:
    table = pl.DataFrame(handmade.rows(1000, seed=5))
    table.write_csv(tmp_path / "people.csv")
    table.write_parquet(tmp_path / "people.parquet")
    typed = encode_table(handmade.SCHEMA, pl.read_parquet(tmp_path / "people.parquet"))
    text = encode_table(handmade.SCHEMA, pl.read_csv(tmp_path / "people.csv", infer_schema=False))
    guessed = encode_table(handmade.SCHEMA, pl.read_csv(tmp_path / "people.csv"))
    assert typed.good.all()
    assert np.array_equal(typed.values, text.values, equal_nan=True)
    assert np.array_equal(typed.values, guessed.values, equal_nan=True)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-200, 200) | st.sampled_from([0.0, 120.0, -0.0, float("nan"), float("inf")]),
            st.none() | st.floats(-10, 910, width=32),
            st.none() | st.integers(-1, 2),
            st.none() | st.sampled_from(["left", "right", "both", "Left"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_rows_and_tables_refuse_the_same_cells_and_agree_on_the_others(
    cells: list[tuple[float | None, float | None, int | None, str | None]],
) -> None:
    rows = [dict(zip(handmade.SCHEMA.names, row, strict=True)) for row in cells]
    table = pl.DataFrame(
        rows, schema={"age": pl.Float64, "fluid": pl.Float64, "new_vessels": pl.Int64, "eye": pl.String}
    )
    encoded = encode_table(handmade.SCHEMA, table)
    try:
        encode_rows(handmade.SCHEMA, rows)
        wanted = []
    except BadInput as error:
        wanted = [(refusal.path, refusal.rule) for refusal in error.refusals]
    assert [(refusal.path, refusal.rule) for refusal in encoded.refused] == wanted
    bad = sorted({int(path.split(".")[1]) for path, _ in wanted})
    assert np.flatnonzero(~encoded.good).tolist() == bad
    good = [row for place, row in enumerate(rows) if place not in bad]
    if good:
        assert np.array_equal(encoded.values[encoded.good], encode_rows(handmade.SCHEMA, good).columns, equal_nan=True)


def test_text_cells_are_read_as_numbers_without_the_spaces_around_them() -> None:
    numbers, good, _ = column(NUMBER, ["1", " 2.5 ", "1e0", "-3", "+4", "-0"])
    assert numbers == [1, 2.5, 1, -3, 4, 0]
    assert all(good)


@pytest.mark.parametrize(
    "cell", ["nan", "NaN", "inf", "-inf", "1,5", "1_0", "0x1", "one", "1 2", "NA", "null", "10.000001", "1e400"]
)
def test_pitfall_text_that_is_no_number_in_range_is_refused_and_never_read_as_empty(cell: str) -> None:
    for missing in ("refuse", "impute"):
        kind = Numeric(name="x", low=-10, high=10, missing=missing)
        numbers, good, refused = column(kind, ["1", cell])
        assert good == [True, False]
        assert np.isnan(numbers[1])
        assert refused == [f"rows.1.x: {kind.rule}, got {cell!r}."]


@pytest.mark.parametrize("cell", [None, "", "   ", "\t"])
def test_an_empty_cell_is_filled_in_only_where_the_schema_allows_it(cell: str | None) -> None:
    _, good, refused = column(NUMBER, ["1", cell])
    assert good == [True, False]
    shown = repr(cell) if cell and cell.isspace() else "an empty cell"
    assert refused == [f"rows.1.x: should be a number from -10 to 10, got {shown}."]
    numbers, good, refused = column(Numeric(name="x", low=-10, high=10, missing="impute"), ["1", cell])
    assert (good, refused) == ([True, True], [])
    assert np.isnan(numbers[1])


@pytest.mark.parametrize("cell", [float("nan"), float("inf"), float("-inf"), 1e300, -1e300, 10.000000000000002])
def test_pitfall_a_number_outside_its_range_is_refused_also_where_empty_cells_are_filled_in(cell: float) -> None:
    kind = Numeric(name="x", low=-10, high=10, missing="impute")
    _, good, refused = column(kind, [1.0, cell])
    assert good == [True, False]
    assert refused == [f"rows.1.x: should be a number from -10 to 10, or empty, got {cell!r}."]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Int64, pl.Float32, pl.Float64, pl.String, pl.Decimal(10, 2)])
def test_any_type_of_number_is_read(dtype: object) -> None:
    cells = (
        ["1", "7"]
        if dtype == pl.String
        else [Decimal("1.00"), Decimal("7.00")]
        if dtype == pl.Decimal(10, 2)
        else [1, 7]
    )
    assert column(NUMBER, cells, dtype)[:2] == ([1.0, 7.0], [True, True])


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ([True, False], [1, 0]),
        ([1, 0], [1, 0]),
        ([1.0, -0.0], [1, 0]),
        (["1", "0", "1.0", "0.0", "TRUE", "False", " true "], [1, 0, 1, 0, 1, 0, 1]),
    ],
)
def test_yes_and_no_are_read_in_every_spelling_of_a_table(cells: list[object], numbers: list[float]) -> None:
    assert column(Binary(name="b"), cells)[:2] == (numbers, [True] * len(cells))


@pytest.mark.parametrize("cell", ["yes", "2", "01", "t", "nan", "1.00"])
def test_another_spelling_of_yes_is_refused(cell: str) -> None:
    _, good, refused = column(Binary(name="b"), ["1", cell])
    assert good == [True, False]
    assert refused == [f"rows.1.b: should be 0, 1, false or true, got {cell!r}."]


@pytest.mark.parametrize("cell", [2, -1, 0.5, float("nan")])
def test_a_fraction_is_no_answer_to_yes_or_no(cell: float) -> None:
    assert column(Binary(name="b"), [1.0, float(cell)])[1] == [True, False]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["b", "a", "c"])])
def test_categories_are_placed_by_the_schema_and_not_by_the_table_s_own_codes(dtype: object) -> None:
    kind = Categorical(name="k", categories=("a", "b"))
    numbers, good, refused = column(kind, ["b", "a", "c"], dtype)
    assert numbers[:2] == [1, 0]
    assert good == [True, True, False]
    assert refused == ["rows.2.k: should be one of a, b, got 'c'."]


def test_numbered_categories_are_read_from_whole_numbers() -> None:
    kind = Categorical(name="k", categories=("10", "2"), missing="impute")
    numbers, good, refused = column(kind, [2, 10, 1, None], pl.Int64)
    assert np.array_equal(numbers, [1, 0, np.nan, np.nan], equal_nan=True)
    assert good == [True, True, False, True]
    assert refused == ["rows.2.k: should be one of 10, 2, or empty, got 1."]


def test_a_category_with_spaces_around_it_in_a_file_is_the_category() -> None:
    assert column(Categorical(name="k", categories=("a b", "c")), [" a b", "c "])[0] == [0, 1]


def test_columns_of_nothing_are_empty_cells() -> None:
    kinds = (
        Numeric(name="n", low=0, high=1, missing="impute"),
        Binary(name="b", missing="impute"),
        Categorical(name="k", categories=("x", "y"), missing="impute"),
    )
    encoded = encode_table(Schema(columns=kinds), pl.DataFrame({"n": [None], "b": [None], "k": [None]}))
    assert np.isnan(encoded.values).all()
    assert encoded.good.tolist() == [True]


def test_rows_are_named_by_their_place_in_the_whole_file() -> None:
    encoded = encode_table(Schema(columns=(NUMBER,)), pl.DataFrame({"x": [0, 99]}), first_row=5000)
    assert [refusal.path for refusal in encoded.refused] == ["rows.5001.x"]


def test_refusals_come_row_by_row_and_column_by_column() -> None:
    schema = Schema(columns=(NUMBER, Binary(name="b")))
    encoded = encode_table(schema, pl.DataFrame({"b": [7, 1, 7], "x": [99, 0, 0]}))
    assert [refusal.path for refusal in encoded.refused] == ["rows.0.x", "rows.0.b", "rows.2.b"]


def test_other_columns_are_not_looked_at() -> None:
    encoded = encode_table(Schema(columns=(NUMBER,)), pl.DataFrame({"id": ["a"], "x": [1], "note": [None]}))
    assert encoded.values.tolist() == [[1.0]]


def test_a_table_without_rows_is_an_array_without_rows() -> None:
    assert encode_table(Schema(columns=(NUMBER,)), pl.DataFrame({"x": []})).values.shape == (0, 1)


def test_columns_that_are_missing_or_of_another_type_are_refused_before_any_work() -> None:
    table = pl.DataFrame({"age": [True], "fluid": [[1.0]], "eye": [1.5]})
    with pytest.raises(BadInput) as caught:
        encode_table(handmade.SCHEMA, table)
    assert str(caught.value).splitlines() == [
        "age: should be a number from 0 to 120 years, got a column of type Boolean.",
        "fluid: should be a number from 0 to 900 um, or empty, got a column of type List(Float64).",
        "new_vessels: should be a column of the table, got age, fluid, eye.",
        "eye: should be one of left, right, got a column of type Float64.",
    ]


@pytest.mark.parametrize(
    "bad",
    [pl.Series([True]), pl.Series(["2020-01-01"]).str.to_date(), pl.Series([{"a": 1}]), pl.Series([b"1"])],
    ids=lambda series: str(series.dtype),
)
def test_a_type_that_is_no_number_is_refused_as_a_whole(bad: pl.Series) -> None:
    with pytest.raises(BadInput, match=r"^x: should be a number from -10 to 10, got a column of type "):
        encode_table(Schema(columns=(NUMBER,)), pl.DataFrame({"x": bad}))


def test_names_alone_can_be_checked_before_a_file_is_read() -> None:
    check_columns(handmade.SCHEMA, handmade.SCHEMA.names)
    with pytest.raises(BadInput) as caught:
        check_columns(handmade.SCHEMA, ["age", "fluid", "eye"])
    assert str(caught.value) == "new_vessels: should be a column of the table, got age, fluid, eye."
    with pytest.raises(BadInput, match="got no column"):
        check_columns(handmade.SCHEMA, [])
