"""Whole tables over HTTP say what rows say, and whatever is wrong with one is named."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from serving.tables import ARROW, PARQUET, is_packed
from tests import handmade
from tests.running import Server, said
from tests.serving.conftest import MAX_ROWS

KINDS = (ARROW, PARQUET)


def table(count: int, seed: int = 3) -> pa.Table:
    return pl.DataFrame(handmade.rows(count, seed)).to_arrow()


def written(rows: pa.Table, kind: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    if kind == PARQUET:
        pa.parquet.write_table(rows, sink, **options)
    else:
        with pa.ipc.new_stream(sink, rows.schema, **options) as stream:
            stream.write_table(rows)
    return sink.getvalue()


def read(body: bytes, kind: str) -> pa.Table:
    return pa.parquet.read_table(io.BytesIO(body)) if kind == PARQUET else pa.ipc.open_stream(body).read_all()


def ask(server: Server, body: bytes, kind: str, query: str = "") -> httpx.Response:
    return server.post(f"screen/table{query}", content=body, headers={"content-type": kind})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 700, MAX_ROWS])
def test_it_is_answered_as_rows_are(server: Server, kind: str, count: int) -> None:
    rows = handmade.rows(count, 3)
    response = ask(server, written(table(count), kind), kind, "?prevalence=0.1")
    wanted = said(server.post("screen", json={"rows": rows, "prevalence": 0.1}))
    found = read(response.content, kind)

    assert response.headers["content-type"] == kind
    assert found.column_names == ["probability", "positive", "decision", "fluid_volume"]
    answers = wanted.pop("rows")
    for name in ("probability", "positive", "decision"):
        assert found[name].to_pylist() == [row[name] for row in answers]
    np.testing.assert_array_equal(
        found["fluid_volume"].to_numpy(), np.float32([row["symptoms"]["fluid_volume"] for row in answers])
    )
    about = json.loads(found.schema.metadata[b"fulcrum"])
    assert about.pop("id")
    assert about == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_may_ask_for_its_own_point(server: Server, kind: str) -> None:
    rows = table(50)
    response = ask(server, written(rows, kind), kind, "?operating_point=recall%20%3E%3D%200.95")
    wanted = server.post("screen", json={"rows": handmade.rows(50, 3), "operating_point": "recall >= 0.95"}).json()
    about = json.loads(read(response.content, kind).schema.metadata[b"fulcrum"])
    assert about["version"] is None
    assert about["operating_point"] == wanted["operating_point"]


@pytest.mark.parametrize("kind", KINDS)
def test_other_columns_are_not_looked_at_and_order_does_not_matter(server: Server, kind: str) -> None:
    rows = table(20)
    more = rows.select(rows.column_names[::-1]).append_column("note", pa.array(["Smith"] * 20))
    found, wanted = (read(ask(server, written(each, kind), kind).content, kind) for each in (more, rows))
    assert found.equals(wanted)


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "none"])
def test_parquet_is_read_as_it_is_usually_packed(server: Server, compression: str) -> None:
    assert ask(server, written(table(300), PARQUET, compression=compression), PARQUET).status_code == 200


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_a_compressed_arrow_stream_is_refused_before_it_is_unpacked(server: Server, compression: str) -> None:
    packed = pa.ipc.IpcWriteOptions(compression=compression)
    rows = table(300)
    words = rows.set_column(3, "eye", rows["eye"].dictionary_encode())
    for each in (rows, words):
        assert ask(server, written(each, ARROW), ARROW).status_code == 200
        response = ask(server, written(each, ARROW, options=packed), ARROW)
        assert response.status_code == 400
        assert response.json()["error"] == "body: should be an Arrow stream without compression, got a compressed one."


def test_only_a_compressed_message_is_told_to_be_one() -> None:
    rows = table(300)
    words = rows.set_column(3, "eye", rows["eye"].dictionary_encode())

    def packed(each: pa.Table, **options: Any) -> list[bool]:
        body = written(each, ARROW, options=pa.ipc.IpcWriteOptions(**options))
        return [is_packed(message.metadata.to_pybytes()) for message in pa.ipc.MessageReader.open_stream(body)]

    # The schema, which is never compressed, a dictionary, and the rows.
    assert packed(rows) == [False, False]
    assert packed(words) == [False, False, False]
    assert packed(rows, compression="zstd") == [False, True]
    assert packed(words, compression="lz4") == [False, True, True]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        (
            lambda rows: rows.set_column(0, "age", pa.array([61.0, 6e9, 5.0])),
            422,
            "rows.1.age: should be a number from 0 to 120 years, got 6000000000.0.",
        ),
        (lambda rows: rows.drop_columns(["eye"]), 422, "eye: should be a column of the table"),
        (lambda rows: rows.set_column(3, "eye", pa.array(["left", "up", "left"])), 422, "rows.1.eye: should be one of"),
        (lambda rows: rows.append_column("age", rows["age"]), 422, "age: should be the name of one column"),
        (lambda rows: rows.slice(0, 0), 422, "rows: should hold at least one row, got an empty table."),
        (lambda _: table(MAX_ROWS + 1), 413, f"rows: should hold at most {MAX_ROWS} rows, got {MAX_ROWS + 1} rows."),
    ],
)
def test_what_is_wrong_with_a_table_is_named(server: Server, kind: str, change: Any, status: int, text: str) -> None:
    response = ask(server, written(change(table(3)), kind), kind)
    assert response.status_code == status, response.text
    assert response.json()["error"].startswith(text)


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (ARROW, b"", 400),
        (ARROW, b"no table", 400),
        (ARROW, written(table(30), ARROW)[:-200], 400),
        (PARQUET, b"", 400),
        (PARQUET, b"PAR1" + b"\0" * 100 + b"PAR1", 400),
        (PARQUET, written(table(3), ARROW), 400),
        ("text/csv", b"age\n61\n", 415),
        ("", b"{}", 415),
        (ARROW, b"x" * 1_000_001, 413),
    ],
)
def test_what_is_no_table_is_refused(server: Server, kind: str, body: bytes, status: int) -> None:
    response = ask(server, body, kind)
    assert response.status_code == status, response.text
    assert response.json()["refusals"]


def test_one_that_unpacks_to_far_more_than_was_sent_is_refused(server: Server) -> None:
    bomb = pa.table({"eye": pa.array(["x" * 20_000] * 4000), "age": pa.array([1.0] * 4000)})
    sent = written(bomb, PARQUET, compression="zstd", use_dictionary=False)
    assert len(sent) < 1_000_000
    response = ask(server, sent, PARQUET)
    assert response.status_code == 413, response.text
    assert "should unpack to at most 20000000 bytes" in response.json()["error"]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("?prevalence=often", "prevalence: should be a number, got 'often'."),
        ("?prevalence=2", "prevalence: should be a share between 0 and 1, got 2.0."),
        ("?threshold=1", "threshold: is not asked for here, but operating_point and prevalence, got one."),
        ("?operating_point=nowhere", None),
    ],
)
def test_what_is_wrong_with_a_setting_is_named(server: Server, query: str, text: str | None) -> None:
    response = ask(server, written(table(3), ARROW), ARROW, query)
    assert response.status_code == 422
    if text:
        assert response.json()["error"] == text


def test_it_is_described(server: Server) -> None:
    post = server.get("docs.json").json()["paths"]["/screen/table"]["post"]
    assert set(post["requestBody"]["content"]) == set(post["responses"]["200"]["content"]) == set(KINDS)
    assert {"400", "401", "413", "415", "422", "503"} <= set(post["responses"])
    assert [each["name"] for each in post["parameters"]] == ["operating_point", "prevalence"]
