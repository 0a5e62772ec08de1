"""What is read plainly is read as the typed request reads it; whatever else is left to the typed request."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from models.bundle import Bundle
from models.errors import FulcrumError
from models.schema import Binary, Categorical, Column, Numeric, Schema
from serving.columnar import Columnar
from serving.fast.reader import LONG, ColumnsReader, Reader, RowsReader
from serving.messages import Messages, Request
from tests import handmade

MAX_ROWS = 50
# Names and kinds that JSON, Python or a format string could stumble over.
ODD = Schema(
    columns=(
        Numeric(name="größe (%s)", low=-1e9, high=1e9, missing="impute"),
        Categorical(name="class", categories=("a:b", "käse", "%s")),
        Binary(name="column_0"),
    )
)
BAD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    2,
    -1,
    1.0,
    0.5,
    1e39,
    -0.0,
    10**400,
    "",
    "left",
    "a:b",
    "käse",
    [],
    {},
)
BODIES = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"rows": []}',
    b'{"columns": {}}',
    b"\xff",
    b'{"rows": NaN}',
    b"[" * 100_000,
    b'{"rows": [' + b"[" * 5000,
)


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Messages:
    bundle: Bundle = handmade.bundle(tmp_path_factory.mktemp("reader"))
    return Messages.of(bundle, name="Screen", max_rows=MAX_ROWS, max_bytes=10**6)


@pytest.fixture(scope="module")
def columnar(messages: Messages) -> Columnar:
    return Columnar.of(messages, name="Screen", max_rows=MAX_ROWS, max_bytes=10**6)


@pytest.fixture(params=["rows", "columns"])
def way(request: pytest.FixtureRequest, messages: Messages, columnar: Columnar) -> tuple[Reader, type[Request]]:
    if request.param == "rows":
        return RowsReader(handmade.SCHEMA, max_rows=MAX_ROWS), messages.request
    return ColumnsReader(handmade.SCHEMA, max_rows=MAX_ROWS), columnar.request


def in_form(part: str, rows: list[dict[str, Any]], **asked: Any) -> bytes:
    if part == "rows":
        return json.dumps({"rows": rows, **asked}).encode()
    return json.dumps({"columns": {name: [row[name] for row in rows] for name in rows[0]}, **asked}).encode()


def agree(reader: Reader, typed: type[Request], body: bytes) -> bool:
    """Whether a body is plain; if so, the typed request has to read the same."""
    plain = reader.read(body)
    if plain is None:
        return False
    request = typed.read(body)
    columns, asked = plain
    np.testing.assert_array_equal(columns, request.encoded().columns)
    assert columns.dtype == np.float32
    assert asked == request.asked
    return True


@pytest.mark.parametrize("count", [1, 7, MAX_ROWS])
@pytest.mark.parametrize(
    "asked",
    [{}, {"prevalence": 0.05}, {"operating_point": "recall >= 0.95", "prevalence": None}, {"operating_point": 0.2}],
)
def test_what_keeps_the_contract_is_plain(way: tuple[Reader, type[Request]], count: int, asked: dict[str, Any]) -> None:
    reader, typed = way
    assert agree(reader, typed, in_form(reader.part, handmade.rows(count), **asked))


@settings(max_examples=400, deadline=None)
@given(
    data=some.data(),
    cells=some.lists(some.tuples(some.integers(0, 2), some.sampled_from(handmade.SCHEMA.names)), max_size=2),
)
def test_whatever_is_in_the_cells_both_read_the_same(
    messages: Messages, columnar: Columnar, data: some.DataObject, cells: list[tuple[int, str]]
) -> None:
    rows = handmade.rows(3)
    for place, name in cells:
        rows[place][name] = data.draw(some.sampled_from(BAD) | some.floats() | some.integers() | some.text())
    ways: list[tuple[Reader, type[Request]]] = [
        (RowsReader(handmade.SCHEMA, max_rows=MAX_ROWS), messages.request),
        (ColumnsReader(handmade.SCHEMA, max_rows=MAX_ROWS), columnar.request),
    ]
    for reader, typed in ways:
        body = in_form(reader.part, rows)
        if not agree(reader, typed, body) and not cells:
            pytest.fail("three good rows should be plain")


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_request_is_not_plain(way: tuple[Reader, type[Request]], body: bytes) -> None:
    reader, typed = way
    assert reader.read(body) is None
    with pytest.raises(FulcrumError):
        typed.read(body)


def test_more_rows_than_may_be_are_not_plain(way: tuple[Reader, type[Request]]) -> None:
    reader, _ = way
    assert reader.read(in_form(reader.part, handmade.rows(MAX_ROWS + 1))) is None


def test_a_name_that_comes_twice_is_never_plain(way: tuple[Reader, type[Request]]) -> None:
    reader, typed = way
    good = in_form(reader.part, handmade.rows(2)).decode()
    age = '"age": 47.0' if reader.part == "rows" else '"age": [1, 2]'
    cell = good.index('"age"')
    twice = (
        good[:cell] + f"{age}, " + good[cell:],
        good[:cell] + f"{age.replace('age', chr(92) + 'u0061ge')}, " + good[cell:],
        good[:-1] + f', "{reader.part}": ' + good[len(f'{{"{reader.part}": ') :],
        good[:-1] + ', "prevalence": 0.1, "prevalence": 0.2}',
    )
    assert agree(reader, typed, good.encode())
    for body in twice:
        assert reader.read(body.encode()) is None
        with pytest.raises(FulcrumError, match="should be given once, got several of that name"):
            typed.read(body.encode())


def test_columns_of_different_lengths_are_not_plain(columnar: Columnar) -> None:
    reader = ColumnsReader(handmade.SCHEMA, max_rows=MAX_ROWS)
    columns = {name: [row[name] for row in handmade.rows(3)] for name in handmade.SCHEMA.names}
    body = json.dumps({"columns": {**columns, "eye": ["left"]}}).encode()

    assert reader.read(body) is None
    with pytest.raises(FulcrumError) as refused:
        columnar.request.read(body).encoded()
    assert str(refused.value) == "columns.eye: should hold 3 cells, as age does, got 1."


@pytest.mark.parametrize("kind", [RowsReader, ColumnsReader])
def test_names_and_categories_may_be_odd(kind: type[Reader]) -> None:
    reader = kind(ODD, max_rows=MAX_ROWS)
    rows = [{"größe (%s)": None, "class": "käse", "column_0": True}, {"größe (%s)": 0.1, "class": "%s", "column_0": 0}]
    plain = reader.read(in_form(reader.part, rows))

    assert plain is not None
    np.testing.assert_array_equal(plain[0], np.array([[np.nan, 1, 1], [0.1, 2, 0]], dtype=np.float32))
    assert reader.read(in_form(reader.part, [rows[0] | {"class": "a:b"}])) is None


@pytest.mark.parametrize("name", ["a:b", 'a"b', "a\\b", "a\nb"])
def test_where_a_name_is_not_written_as_it_is_all_is_left_to_the_typed_request(name: str) -> None:
    schema = Schema(columns=(Binary(name=name),))
    for kind in (RowsReader, ColumnsReader):
        reader = kind(schema, max_rows=2)
        assert reader.read(in_form(reader.part, [{name: 1}])) is None


def test_a_kind_of_column_that_was_added_is_left_to_the_typed_request() -> None:
    class Stepped(Column):
        """A kind that this file does not know."""

        @property
        def _rule(self) -> str:
            return "should be a step"

        @property
        def bounds(self) -> tuple[float, float]:
            return 0.0, 9.0

        @property
        def cell(self) -> Any:
            return int

    schema = Schema(columns=(Stepped(name="a"),))
    for kind in (RowsReader, ColumnsReader):
        reader = kind(schema, max_rows=2)
        assert reader.read(in_form(reader.part, [{"a": 5}])) is None


def test_it_does_not_matter_how_long_a_body_is(messages: Messages) -> None:
    reader = RowsReader(handmade.SCHEMA, max_rows=MAX_ROWS)
    for blanks in (0, LONG):
        body = in_form("rows", handmade.rows(3)) + b" " * blanks
        assert agree(reader, messages.request, body)
        assert reader.read(body.replace(b'"rows"', b'"rows":0,"rows"')) is None
