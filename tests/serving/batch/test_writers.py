from __future__ import annotations

import csv
import datetime as dt
import decimal
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from models.errors import BadInput
from serving.batch.formats.comma import CsvWriter
from serving.batch.formats.form import Writer
from serving.batch.formats.parquet import ParquetWriter
from serving.batch.layout import layout_of
from serving.batch.place import Place

CSV = Place("in.csv")
DAY = dt.datetime(2020, 3, 1, 12, 30, tzinfo=dt.UTC)


def written(kind: type[Writer], *tables: pa.Table) -> bytes:
    file = io.BytesIO()
    writer = kind(file, tables[0].schema)
    for table in tables:
        writer.write(kind.prepared(table))
    writer.close()
    return file.getvalue()


def refused(target: str) -> str:
    with pytest.raises(BadInput) as caught:
        layout_of(target, like=CSV)
    return str(caught.value)


def test_the_ending_says_what_is_written() -> None:
    found = layout_of("a/scores.v2.csv", like=Place("in.parquet"))
    assert (found.writer, found.folder) == (CsvWriter, False)
    assert layout_of("SCORES.PARQUET", like=CSV).writer is ParquetWriter
    assert refused("scores.xlsx") == "scores.xlsx: should end in .csv, .parquet or .arrow, or be a folder, got .xlsx."
    assert refused("scores.csv.gz").endswith("got .gz.")


@pytest.mark.parametrize(("name", "ending"), [("in.csv", ".csv"), ("IN.CSV.GZ", ".csv"), ("in.feather", ".parquet")])
def test_a_folder_holds_shards_like_what_is_read(name: str, ending: str) -> None:
    for target in ("scores", "scores/", "scores.of.may/"):
        found = layout_of(target, like=Place(name))
        assert (found.folder, found.ending) == (True, ending)
        assert found.part(7) == f"{target.rstrip('/')}/part-00007{ending}"


def test_text_is_written_so_that_another_reader_gets_it_back() -> None:
    cells = ["x", 'q"u', "a,b", "n\nl", "c\rr", " sp ", "#h", "\t", "007", "é", "'"]
    data = written(CsvWriter, pa.table({"a,b": cells, 'c"d': cells[::-1]})).decode()
    rows = list(csv.reader(io.StringIO(data, newline=""), strict=True))
    assert rows == [["a,b", 'c"d'], *([first, second] for first, second in zip(cells, cells[::-1], strict=True))]


def test_null_is_an_empty_cell_and_an_empty_text_a_quoted_one() -> None:
    assert written(CsvWriter, pa.table({"id": [1, 2], "x": [None, ""]})) == b'id,x\n1,\n2,""\n'


def test_a_score_reads_back_as_the_same_bits_as_a_single_and_as_a_double() -> None:
    random = np.random.default_rng(0)
    bits = random.integers(0, int(np.float32(1).view(np.uint32)), 20_000, dtype=np.uint32)
    scores = np.concatenate([bits.view(np.float32), np.array([0, 1, 0.3, 1e-45], dtype=np.float32)])
    lines = written(CsvWriter, pa.table({"p": scores})).decode().splitlines()[1:]
    assert (np.array(lines, dtype=np.float32).view(np.uint32) == scores.view(np.uint32)).all()
    # 0.3 in 32 bits is 0.30000001192092896: printed as 0.3 it would fall below a threshold of that very value.
    assert (np.array([float(line) for line in lines]) == scores.astype(np.float64)).all()


def test_every_type_that_passes_the_check_can_be_written_as_csv() -> None:
    columns = {
        "text": pa.array(["a"]),
        "large": pa.array(["a"], pa.large_string()),
        "view": pa.array(["a"], pa.string_view()),
        "kind": pa.array(["a"]).dictionary_encode(),
        "number kind": pa.array([5]).dictionary_encode(),
        "yes": pa.array([True]),
        "tiny": pa.array([-1], pa.int8()),
        "huge": pa.array([2**64 - 1], pa.uint64()),
        "half": pa.array([0.5], pa.float16()),
        "double": pa.array([0.1]),
        "price": pa.array([decimal.Decimal("1.50")]),
        "day": pa.array([DAY.date()]),
        "milliday": pa.array([DAY.date()], pa.date64()),
        "time": pa.array([DAY.time()], pa.time64("us")),
        "second": pa.array([DAY.time()], pa.time32("s")),
        "moment": pa.array([DAY.replace(tzinfo=None)], pa.timestamp("us")),
        "zoned": pa.array([DAY], pa.timestamp("ns", "UTC")),
        "nothing": pa.nulls(1),
    }
    table = pa.table(columns)
    CsvWriter.check(table.schema)
    (cells,) = list(csv.reader(io.StringIO(written(CsvWriter, table).decode())))[1:]
    found = dict(zip(columns, cells, strict=True))
    assert [found[name] for name in ("text", "large", "view", "kind", "number kind")] == ["a", "a", "a", "a", "5"]
    assert [found[name] for name in ("yes", "tiny", "huge", "nothing")] == ["true", "-1", str(2**64 - 1), ""]
    assert [float(found[name]) for name in ("half", "double", "price")] == [0.5, 0.1, 1.5]
    assert found["day"] == "2020-03-01"
    assert all("12:30:00" in found[name] for name in ("time", "second", "moment", "zoned"))


def test_a_column_that_csv_can_not_hold_is_refused_before_anything_is_written() -> None:
    kinds = pa.dictionary(pa.int8(), pa.binary())
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("scan", pa.binary()),
            ("visits", pa.list_(pa.int8())),
            ("waited", pa.duration("s")),
            ("wide", pa.decimal256(40, 2)),
            ("kinds", kinds),
        ]
    )
    ParquetWriter.check(schema)
    with pytest.raises(BadInput) as caught:
        CsvWriter.check(schema)
    assert str(caught.value).splitlines() == [
        "scan: should be of a type that CSV can hold (Parquet can), got a column of type binary.",
        "visits: should be of a type that CSV can hold (Parquet can), got a column of type list<item: int8>.",
        "waited: should be of a type that CSV can hold (Parquet can), got a column of type duration[s].",
        "wide: should be of a type that CSV can hold (Parquet can), got a column of type decimal256(40, 2).",
        f"kinds: should be of a type that CSV can hold (Parquet can), got a column of type {kinds}.",
    ]


def test_parquet_keeps_types_metadata_and_order_whatever_the_pieces() -> None:
    table = pa.table(
        {"id": [f"{row}" for row in range(1000)], "visits": [[row] for row in range(1000)]}, metadata={"a": "b"}
    )
    data = written(ParquetWriter, *(table.slice(start, 7) for start in range(0, 1000, 7)))
    found = pyarrow.parquet.ParquetFile(io.BytesIO(data))
    assert found.read().equals(table)
    assert found.schema_arrow.metadata == {b"a": b"b"}
    assert found.metadata.num_row_groups == 1


def test_a_row_group_ends_at_its_number_of_rows_or_bytes() -> None:
    rows = pa.table({"x": np.zeros(100_000, dtype=np.float32)})
    groups = pyarrow.parquet.ParquetFile(io.BytesIO(written(ParquetWriter, rows, rows, rows))).metadata
    assert [groups.row_group(place).num_rows for place in range(groups.num_row_groups)] == [200_000, 100_000]
    heavy = pa.table({"x": ["y" * (40 << 20)]})
    groups = pyarrow.parquet.ParquetFile(io.BytesIO(written(ParquetWriter, heavy, heavy, heavy))).metadata
    assert [groups.row_group(place).num_rows for place in range(groups.num_row_groups)] == [2, 1]


def test_a_chunk_without_a_row_is_not_held_in_memory() -> None:
    writer = ParquetWriter(io.BytesIO(), pa.schema([("x", pa.float64())]))
    before = pa.total_allocated_bytes()
    for _ in range(20):
        writer.write(pa.table({"x": pa.nulls(1 << 17, pa.float64())}).slice(0, 0))
    assert pa.total_allocated_bytes() - before < 1 << 20
    writer.close()


@pytest.mark.parametrize("kind", [CsvWriter, ParquetWriter])
def test_a_table_of_no_rows_has_its_columns(kind: type[Writer]) -> None:
    empty = pa.schema([("id", pa.string()), ("p", pa.float32())]).empty_table()
    data = written(kind, empty)
    if kind is CsvWriter:
        assert data == b"id,p\n"
    else:
        assert pyarrow.parquet.read_table(io.BytesIO(data)).equals(empty)
