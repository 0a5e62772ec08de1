from __future__ import annotations

import csv
import gzip
import io
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import BadInput, Refusal
from serving.batch.formats import parquet
from serving.batch.formats.form import WHOLE
from serving.batch.formats.known import format_of
from serving.batch.place import Place

NAMES = ["id", "note", "x"]
QUOTES = "should have quotes around whole cells only, doubled inside, got a quote elsewhere, or one left open."
CELL = st.text(st.sampled_from('0a,"\n\r é\ufeff\t'), max_size=5)


def read(file: Path, rows: int | None = 1000) -> tuple[list[str], list[tuple[int, tuple[object, ...]]], list[str]]:
    """The names, every row with its number, and the refusals."""
    place = Place(str(file))
    with closing(format_of(place).reader(place)) as reader:
        found, refused, before = [], [], 0
        for item in reader.items(WHOLE, columns=None, rows=rows):
            many = 0
            for chunk in item.chunks():
                assert rows is None or chunk.rows.num_rows <= rows
                assert chunk.rows.schema.equals(reader.schema)
                refused += [numbered(refusal, before) for refusal in chunk.refused]
                found += [
                    (before + chunk.first_row + place, tuple(row.values()))
                    for place, row in enumerate(chunk.rows.to_pylist())
                ]
                many += chunk.rows.num_rows + len(chunk.refused)
            before += many
        return reader.schema.names, found, refused


def numbered(refusal: Refusal, before: int) -> str:
    """A refusal by its row in the file, of one by its row in the item."""
    rows, row, *rest = refusal.path.split(".", 2)
    return str(Refusal(".".join([rows, str(before + int(row)), *rest]), refusal.rule, refusal.got))


def text(folder: Path, data: bytes | str, name: str = "t.csv") -> Path:
    file = folder / name
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return file


def refused(file: Path) -> str:
    with pytest.raises(BadInput) as caught:
        read(file)
    return str(caught.value).replace(f"{file.parent}/", "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=8),
    chunk=st.integers(1, 9),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    packed=st.booleans(),
)
def test_cells_are_read_as_another_reader_reads_them(
    tmp_path: Path, *, rows: list[list[str]], chunk: int, quoting: int, packed: bool
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=quoting).writerows([NAMES, *rows])  # type: ignore[arg-type]  # a number, as it asks
    data = written.getvalue().encode()
    file = text(tmp_path, gzip.compress(data) if packed else data, "t.csv.gz" if packed else "t.csv")
    names, found, refusals = read(file, chunk)
    assert (names, refusals) == (NAMES, [])
    assert found == [
        (place, tuple(cell or (None if quoting == csv.QUOTE_MINIMAL else "") for cell in row))
        for place, row in enumerate(rows)
    ]


def test_no_cell_is_guessed(tmp_path: Path) -> None:
    cells = ["007", "NA", "null", "1e3", "true", " x ", "2020-01-01", "-", "NaN", "0x1F"]
    file = text(tmp_path, f"{','.join('abcdefghij')}\n{','.join(cells)}\n")
    assert read(file)[1] == [(0, tuple(cells))]


def test_an_empty_cell_is_not_a_quoted_empty_one(tmp_path: Path) -> None:
    assert read(text(tmp_path, 'id,note,x\n1,,""\n'))[1] == [(0, ("1", None, ""))]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_byte_order_marks_and_blank_lines_are_no_cells(tmp_path: Path, *, end: str, last: bool) -> None:
    lines = ["", "id,x", "1,2", "", "3,4", *([""] if last else [])]
    names, found, _ = read(text(tmp_path, b"\xef\xbb\xbf" + end.join(lines).encode()))
    assert names == ["id", "x"]
    assert found == [(0, ("1", "2")), (1, ("3", "4"))]


def test_only_a_byte_order_mark_at_the_beginning_of_the_file_is_none_of_a_cell(tmp_path: Path) -> None:
    data = "\ufeffid,x\n\ufeff1,2\n"
    assert read(text(tmp_path, data)) == (["id", "x"], [(0, ("\ufeff1", "2"))], [])


def test_nothing_but_blank_lines_in_a_block_is_no_row(tmp_path: Path) -> None:
    blank = "\n" * (3 << 20)
    assert read(text(tmp_path, f"id,x\n1,2\n{blank}3,4\n"))[1] == [(0, ("1", "2")), (1, ("3", "4"))]
    assert read(text(tmp_path, f"{blank}id,x\n1,2\n"))[1] == [(0, ("1", "2"))]


def test_a_blank_line_of_a_table_of_one_column_is_an_empty_cell(tmp_path: Path) -> None:
    assert read(text(tmp_path, "x\n1\n\n2\n"))[1] == [(0, ("1",)), (1, (None,)), (2, ("2",))]


@pytest.mark.parametrize("data", ["id,x\n", "id,x", "id,x\n\n"])
@pytest.mark.parametrize("names", ["id,x", "x"])
def test_a_header_alone_is_a_table_of_no_rows(tmp_path: Path, data: str, names: str) -> None:
    data = data.replace("id,x", names).replace("\n\n", "\n" if names == "x" else "\n\n")
    assert read(text(tmp_path, data)) == (names.split(","), [], [])


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_ragged_rows_are_refused_by_number_and_the_others_keep_theirs(tmp_path: Path, rows: int) -> None:
    data = "id,x\n0\n1,1\n2,2\n3,3,3\n4\n5,5\n\n6,6\n7,7,7,7\n"
    assert read(text(tmp_path, data), rows) == (
        ["id", "x"],
        [(number, (str(number), str(number))) for number in (1, 2, 5, 6)],
        [
            "rows.0: should have 2 cells, got 1 cells.",
            "rows.3: should have 2 cells, got 3 cells.",
            "rows.4: should have 2 cells, got 1 cells.",
            "rows.7: should have 2 cells, got 4 cells.",
        ],
    )


def test_rows_keep_their_numbers_across_blocks(tmp_path: Path) -> None:
    lines = ["id,x"] + [f"{row}" if row % 50_000 == 49_999 else f"{row},{'y' * 20}" for row in range(160_000)]
    _, found, refusals = read(text(tmp_path, "\n".join(lines)), 8192)
    assert [refusal.partition(":")[0] for refusal in refusals] == ["rows.49999", "rows.99999", "rows.149999"]
    assert all(str(number) == row[0] for number, row in found)
    assert len(found) == 159_997


def test_a_cell_longer_than_a_block_is_read_whole(tmp_path: Path) -> None:
    long = 'x"\n' * (1 << 20)
    doubled = long.replace('"', '""')
    found = read(text(tmp_path, f'id,x\n1,"{doubled}"\n2,3\n'))[1]
    assert found == [(0, ("1", long)), (1, ("2", "3"))]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "t.csv: should have a header and rows, got an empty file."),
        (b"\xef\xbb\xbf", "t.csv: should have a header and rows, got an empty file."),
        (b"\n\r\n", "t.csv: should have a header and rows, got an empty file."),
        ("id,größe\n1,2\n".encode("latin1"), "t.csv, line 1: should be text in UTF-8, got byte 0xf6."),
        ("id,x\n1,2\n\n3,é\n".encode("latin1"), "t.csv, line 4: should be text in UTF-8, got byte 0xe9."),
        ("id,x\n1,2\n".encode("utf16"), "t.csv, line 1: should be text in UTF-8, got byte 0xff."),
        (b"id,x\r1,2\r", "t.csv: should have lines that end in LF or CRLF, got CR alone."),
        (b"id,x\r1\r", "t.csv: should have lines that end in LF or CRLF, got CR alone."),
        (
            b'id,x\n1,"2\n3,4\n',
            f"t.csv, line 2: {QUOTES}",
        ),
    ],
)
def test_what_is_no_csv_is_refused_by_its_line(tmp_path: Path, data: bytes, message: str) -> None:
    assert refused(text(tmp_path, data)) == message


def test_a_name_may_hold_anything_a_quoted_cell_may(tmp_path: Path) -> None:
    assert read(text(tmp_path, '"a,b","c""d","e\nf",\n1,2,3,4\n'))[0] == ["a,b", 'c"d', "e\nf", ""]


def test_a_file_of_another_kind_is_refused_by_its_ending(tmp_path: Path) -> None:
    rule = "should end in .csv, .csv.gz, .parquet, .arrow or .feather"
    assert refused(tmp_path / "t.xlsx") == f"t.xlsx: {rule}, got .xlsx."
    assert refused(tmp_path / "t") == f"t: {rule}, got no ending."


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name).startswith(f"{name}: should be a ")
    assert "No such file or directory" in refused(tmp_path / name)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    assert refused(tmp_path / "t.csv") == "t.csv: should be a file that can be read, got Is a directory."


def table(rows: int) -> pa.Table:
    return pa.table({"id": pa.array(range(rows), pa.int32()), "x": pa.array([f"{row}" for row in range(rows)])})


@pytest.mark.parametrize("rows", [1, 7, 64, 1000])
@pytest.mark.parametrize("name", ["t.parquet", "T.PARQUET"])
def test_rows_of_parquet_come_in_order_with_their_numbers_and_types(tmp_path: Path, rows: int, name: str) -> None:
    pyarrow.parquet.write_table(table(150), tmp_path / name, row_group_size=64)
    names, found, refusals = read(tmp_path / name, rows)
    assert (names, refusals) == (["id", "x"], [])
    assert found == [(row, (row, str(row))) for row in range(150)]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"id,x\n1,2\n" * 9])
def test_what_is_no_parquet_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refused(text(tmp_path, data, "t.parquet")).startswith(
        "t.parquet: should be a Parquet file that can be read, got "
    )


def test_a_damaged_parquet_file_is_refused_when_the_damage_is_met(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(table(5000), file, row_group_size=1000)
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = b"\xff" * 400
    file.write_bytes(data)
    assert refused(file).startswith("t.parquet: should be a Parquet file that can be read, got ")


def test_lines_that_end_twice_over_are_read_as_they_were_meant(tmp_path: Path) -> None:
    assert read(text(tmp_path, b"id,x\r\r\n1,2\r\r\n"))[:2] == (["id", "x"], [(0, ("1", "2"))])


def test_a_name_may_be_long(tmp_path: Path) -> None:
    name = "n" * 200_000
    assert read(text(tmp_path, f"{name},x\n1,2\n"))[0] == [name, "x"]


@pytest.mark.parametrize("opened", [1, 7, 10, 1000])
def test_row_groups_are_read_in_order_however_many_are_opened_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: int
) -> None:
    monkeypatch.setattr(parquet, "ROWS_OPENED", opened)
    table, sizes = pa.table({"id": list(range(40)), "note": [f"n{place % 3}" for place in range(40)]}), [3, 0, 9, 1, 20]
    with pyarrow.parquet.ParquetWriter(tmp_path / "in.parquet", table.schema) as writer:
        for place, size in enumerate(sizes):
            writer.write_table(table.slice(sum(sizes[:place]), size))
    names, found, refusals = read(tmp_path / "in.parquet", 4)
    assert (names, refusals) == (["id", "note"], [])
    assert found == [(place, tuple(row.values())) for place, row in enumerate(table.slice(0, 33).to_pylist())]
