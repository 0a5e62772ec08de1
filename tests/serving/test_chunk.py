from __future__ import annotations

import csv
import re
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import BadInput, Refusal
from models.rows import encode_rows
from models.schema import Binary, Categorical, Numeric, Schema
from models.scorer import Scorer
from models.table import Encoded, encode_table
from models.turn import Setting
from serving.batch.formats.form import WHOLE
from serving.batch.formats.known import format_of
from serving.batch.place import Place
from serving.chunk import ROWS_AT_A_TIME, Chunk, answers, cells, score_chunk, scored_schema, side_by_side
from tests import handmade

MANIFEST = handmade.finished()[1]
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return Scorer(handmade.bundle(tmp_path_factory.mktemp("bundles")))


def refused(schema: pa.Schema) -> list[str]:
    with pytest.raises(BadInput) as caught:
        scored_schema(MANIFEST.columns, answers(MANIFEST), schema)
    return str(caught.value).splitlines()


def people(count: int, **more: list[object]) -> pa.Table:
    rows = handmade.rows(count, seed=5)
    return pa.table({**more, **{name: [row[name] for row in rows] for name in rows[0]}})


def test_columns_are_put_side_by_side_however_many_rows_there_are() -> None:
    for rows in (0, 1, ROWS_AT_A_TIME, 2 * ROWS_AT_A_TIME + 3):
        columns = [np.arange(rows, dtype=np.float64), np.arange(rows, dtype=np.int32) * 2, np.ones(rows)]
        assert np.array_equal(side_by_side(columns), np.column_stack(columns).astype(np.float32))


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 1000])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int8, np.bool_])
def test_numbers_become_a_column_as_another_library_makes_it(rows: int, kind: type[np.generic]) -> None:
    many = np.random.default_rng(rows).normal(size=(rows, 3)) * 3
    many[::5] = np.nan if issubclass(kind, np.floating) else 0.0
    values = many.astype(kind)[:, 1]  # not side by side in memory
    empty = np.arange(rows) % 3 == 1
    for wanted, found in (
        (pl.Series(values), cells(values)),
        (pl.Series(values), cells(values, np.zeros(rows, dtype=bool))),
        (pl.Series(values).set(pl.Series(empty, dtype=pl.Boolean), None), cells(values, empty)),
    ):
        found.validate(full=True)
        assert pl.Series(found).equals(wanted, check_dtypes=True)
        assert found.null_count == wanted.null_count()


def test_good_rows_are_scored_and_all_columns_carried_along(scorer: Scorer) -> None:
    table = people(50, id=[f"{row:03}" for row in range(50)], visits=[[row] for row in range(50)])
    found = score_chunk(scorer, Chunk(0, table))
    expected = scorer.score_rows(handmade.rows(50, seed=5))
    assert found.rows.select(table.column_names).equals(table)
    assert found.rows.schema.equals(scored_schema(MANIFEST.columns, answers(MANIFEST), table.schema))
    assert (found.rows["probability"].to_numpy().view(np.uint32) == expected.probability.view(np.uint32)).all()
    assert found.rows["positive"].to_pylist() == expected.positive.tolist()
    words = ["positive" if flagged else "negative" for flagged in expected.positive]
    assert found.rows["decision"].to_pylist() == words
    assert found.rows["fluid_volume"].to_pylist() == expected.symptoms["fluid_volume"].tolist()
    assert found.counts.read == found.counts.positive + found.counts.negative == 50
    assert found.counts.positive == int(expected.positive.sum()) > 0


def test_bad_rows_are_named_and_left_out_and_the_others_keep_their_scores(scorer: Scorer) -> None:
    table = people(5, id=[0, 1, 2, 3, 4])
    ages = [20.0, -1.0, 40.0, None, 60.0]
    table = table.set_column(table.schema.get_field_index("age"), "age", pa.array(ages))
    found = score_chunk(scorer, Chunk(100, table, (Refusal("rows.99", "should have 5 cells", "1 cells"),)))
    assert [str(refusal) for refusal in found.refused] == [
        "rows.99: should have 5 cells, got 1 cells.",
        "rows.101.age: should be a number from 0 to 120 years, got -1.0.",
        "rows.103.age: should be a number from 0 to 120 years, got an empty cell.",
    ]
    assert found.rows["id"].to_pylist() == [0, 2, 4]
    good = score_chunk(scorer, Chunk(0, table.take([0, 2, 4])))
    assert found.rows.equals(good.rows)
    assert (found.counts.read, found.counts.refused) == (6, 3)


@pytest.mark.parametrize("rows", [0, 2])
def test_a_chunk_without_a_good_row_is_a_table_of_no_rows(scorer: Scorer, rows: int) -> None:
    table = people(2).set_column(0, "age", pa.array([999.0, 999.0])).slice(0, rows)
    found = score_chunk(scorer, Chunk(0, table))
    assert found.rows.num_rows == found.counts.positive == found.counts.negative == 0
    assert found.rows.schema.equals(scored_schema(MANIFEST.columns, answers(MANIFEST), table.schema))
    assert len(found.refused) == found.counts.refused == rows


def test_settings_reach_the_scorer(scorer: Scorer) -> None:
    everyone = score_chunk(scorer, Chunk(0, people(40)), at=scorer.turn(Setting.told(0.0, 0.01)))
    assert everyone.counts.positive == 40
    expected = scorer.score_rows(handmade.rows(40, seed=5), prevalence=0.01).probability
    assert everyone.rows["probability"].to_pylist() == expected.tolist()


def test_of_whom_the_model_does_not_decide_positive_is_empty(scorer: Scorer) -> None:
    at = scorer.turn(Setting.told("rule in with specificity >= 0.9, rule out with recall >= 0.95"))
    found = score_chunk(scorer, Chunk(0, people(300)), at=at)
    rows = zip(*(found.rows[name].to_pylist() for name in ("probability", "positive", "decision")), strict=True)
    sides = {
        (positive, decision, sum(probability >= limit for limit in (at.clear_below, at.threshold)))
        for probability, positive, decision in rows
    }
    assert sides == {(False, "negative", 0), (None, "indeterminate", 1), (True, "positive", 2)}
    decisions = found.rows["decision"].to_pylist()
    assert found.counts.indeterminate == decisions.count("indeterminate") > 0
    assert (found.counts.positive, found.counts.negative) == (decisions.count("positive"), decisions.count("negative"))
    assert found.rows.schema.equals(scored_schema(MANIFEST.columns, answers(MANIFEST), people(1).schema))


def test_scores_stand_after_the_columns_of_the_table() -> None:
    schema = pa.schema(
        [("id", pa.int8()), *((name, pa.string()) for name in MANIFEST.columns.names), ("note", pa.null())]
    )
    found = scored_schema(MANIFEST.columns, answers(MANIFEST), schema)
    assert found.names == [
        "id",
        "age",
        "fluid",
        "new_vessels",
        "eye",
        "note",
        "probability",
        "positive",
        "decision",
        "fluid_volume",
    ]
    assert [str(field.type) for field in found][-4:] == ["float", "bool", "string", "float"]


def test_columns_that_are_missing_doubled_or_in_the_way_are_refused() -> None:
    text = pa.string()
    names = [(name, text) for name in MANIFEST.columns.names]
    assert refused(pa.schema([*names, ("age", text), ("age", text), ("", text), ("", text)])) == [
        "age: should be the name of one column, got 3 columns of that name.",
        ": should be the name of one column, got 2 columns of that name.",
    ]
    assert refused(pa.schema([*names, ("positive", text), ("decision", text), ("fluid_volume", text)])) == [
        "positive: is the name of a column of the result, got an input column of that name.",
        "decision: is the name of a column of the result, got an input column of that name.",
        "fluid_volume: is the name of a column of the result, got an input column of that name.",
    ]
    assert refused(pa.schema([("id", pa.list_(text)), *names[1:]])) == [
        "age: should be a column of the table, got id, fluid, new_vessels, eye."
    ]


@pytest.mark.parametrize(
    "kind", [pa.bool_(), pa.list_(pa.float64()), pa.timestamp("us"), pa.binary(), pa.decimal256(40, 2)]
)
def test_a_column_of_an_impossible_type_is_refused(kind: pa.DataType) -> None:
    rest = [(name, pa.string()) for name in MANIFEST.columns.names[1:]]
    (line,) = refused(pa.schema([("age", kind), *rest]))
    assert line.startswith("age: should be a number from 0 to 120 years, got a column of type ")


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.decimal128(10, 2), pa.string_view(), pa.large_string()],
)
def test_a_number_may_come_in_any_type_of_number_or_text(scorer: Scorer, kind: pa.DataType) -> None:
    ages = pa.array([Decimal(61)] if pa.types.is_decimal(kind) else ["61"] if "string" in str(kind) else [61], kind)
    table = people(1).set_column(0, "age", ages)
    scored_schema(MANIFEST.columns, answers(MANIFEST), table.schema)
    expected = scorer.score_rows([{**handmade.rows(1, seed=5)[0], "age": 61}])
    assert score_chunk(scorer, Chunk(0, table)).rows["probability"].to_pylist() == expected.probability.tolist()


def test_a_kind_may_come_as_a_dictionary(scorer: Scorer) -> None:
    plain = people(20)
    coded = plain.set_column(3, "eye", plain["eye"].dictionary_encode())
    found = score_chunk(scorer, Chunk(0, coded)).rows
    assert found["probability"].equals(score_chunk(scorer, Chunk(0, plain)).rows["probability"])
    assert pa.types.is_dictionary(found.schema.field("eye").type)


# What Unicode calls white space; Python adds four control characters, which are no blank in a file.
BLANK = "".join(chr(code) for code in range(sys.maxunicode) if chr(code).isspace() and code not in range(0x1C, 0x20))
YES_OR_NO = {"true": True, "false": False, "1": 1, "1.0": 1, "0": 0, "0.0": 0}


def as_json(column: object, text: str | None) -> object:
    """A cell of a CSV file as the same person would write it in JSON."""
    text = (text or "").strip(BLANK)
    if not text:
        return None
    if isinstance(column, Binary):
        return YES_OR_NO.get(text.lower(), text)
    return float(text) if isinstance(column, Numeric) and NUMBER.fullmatch(text) else text


AWKWARD = [
    "", " ", "61", "-0", "0", "1", "1.0", "0.0", "2", "true", "TRUE", "False", "yes", "left", " left ", "Left",
    "right", "nan", "NaN", "inf", "-Infinity", "1e400", "1e-400", "1e2", "1E+1", "+5", ".5", "5.", "0x10", "1_000",
    "1,5", "\uff16\uff11", "120", "120.00000001", "119.99999999999999999", "900", "0.1", "007", "61 ", "\t61", "6 1",
    "null", "None", "NA", "--1",
]  # fmt: skip
TEXT = st.sampled_from(AWKWARD) | st.text(max_size=4)
CELL = st.none() | TEXT | st.floats().map(repr) | st.integers(-5, 1000).map(str)
SCHEMA = Schema(
    columns=(
        Numeric(name="age", low=0, high=120),
        Numeric(name="fluid", low=-900, high=900, missing="impute"),
        Binary(name="smoker"),
        Binary(name="new_vessels", missing="impute"),
        Categorical(name="eye", categories=("left", "right")),
        Categorical(name="code", categories=("1", "2.0", "true"), missing="impute"),
    )
)
GOOD = st.tuples(
    st.floats(0, 120).map(repr),
    st.none() | st.floats(-900, 900).map(repr),
    st.sampled_from(["0", "1", "true", "False"]),
    st.sampled_from(["", "0", "1", "TRUE"]),
    st.sampled_from(["left", "right"]),
    st.sampled_from(["", "1", "2.0", "true"]),
).map(list)


@st.composite
def texts(draw: st.DrawFn) -> list[str | None]:
    """A row of text cells: good, but for a few."""
    row: list[str | None] = draw(GOOD)
    for place in draw(st.sets(st.integers(0, len(row) - 1), max_size=2)):
        row[place] = draw(CELL)
    return row


def from_file(rows: list[list[str | None]], file: Path) -> Encoded:
    """Rows of text cells, written as CSV by another writer, as the file path encodes them."""
    with file.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written).writerows([SCHEMA.names, *rows])
    place = Place(str(file))
    with closing(format_of(place).reader(place)) as reader:
        (item,) = reader.items(WHOLE, columns=None, rows=None)
        (chunk,) = item.chunks()
    return encode_table(SCHEMA, pl.DataFrame(chunk.rows), first_row=chunk.first_row)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(texts(), min_size=1, max_size=6))
def test_a_row_of_text_is_good_exactly_when_the_same_row_in_json_is(
    tmp_path: Path, rows: list[list[str | None]]
) -> None:
    encoded = from_file(rows, tmp_path / "rows.csv")
    for place, row in enumerate(rows):
        typed = {column.name: as_json(column, cell) for column, cell in zip(SCHEMA.columns, row, strict=True)}
        try:
            expected = encode_rows(SCHEMA, [typed]).columns[0]
        except BadInput as error:
            refused = [refusal.path.split(".") for refusal in encoded.refused]
            named = {refusal.path.split(".")[2] for refusal in error.refusals}
            assert {column for _, number, column in refused if number == str(place)} == named, (row, typed)
            assert not encoded.good[place]
        else:
            assert encoded.good[place], (row, typed)
            assert (encoded.values[place].view(np.uint32) == expected.view(np.uint32)).all(), (row, typed)
