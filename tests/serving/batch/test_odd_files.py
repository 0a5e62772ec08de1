"""Files as they are met: of many columns, of other encodings, on a disk that is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from models.errors import BadInput
from models.scorer import Scorer
from serving.batch.job import score_files
from serving.batch.part import Hashed
from serving.counts import Counts
from tests.serving.batch import people


# A Parquet file of a hundred thousand columns takes its library 5 seconds to write.
@pytest.mark.parametrize(("kind", "many"), [("csv", 100_000), ("parquet", 10_000)])
def test_very_many_columns_are_carried_along_or_left(screen: Scorer, tmp_path: Path, kind: str, many: int) -> None:
    rows = people.table(5).to_pydict()
    source = tmp_path / f"in.{kind}"
    if kind == "csv":
        names = [*rows, *(f"gene {place}" for place in range(many))]
        cells = [
            [str(column[row]).lower() if column[row] is not None else "" for column in rows.values()]
            for row in range(5)
        ]
        lines = [",".join(names), *(",".join([*row, *["0.5"] * many]) for row in cells)]
        source.write_text("\n".join(lines))
    else:
        wide = {f"gene {place}": pa.array([0.5] * 5, pa.float32()) for place in range(many)}
        pyarrow.parquet.write_table(pa.table({**rows, **wide}), source, use_dictionary=False, write_statistics=False)
    kept = score_files(screen, source, tmp_path / "kept.csv", keep=["id", "gene 9999"])
    found = pl.read_csv(tmp_path / "kept.csv")
    assert found.columns[:3] == ["id", "gene 9999", "probability"]
    assert kept.counts.read == 5
    score_files(screen, source, tmp_path / f"all.{kind}")
    if kind == "csv":
        header, *lines = (tmp_path / "all.csv").read_text().splitlines()
        assert [line.count(",") for line in (header, *lines)] == [many + 9] * 6
        assert header.split(",")[-5:] == found.columns[-5:]
    else:
        assert pyarrow.parquet.read_metadata(tmp_path / "all.parquet").num_columns == many + 10


def test_an_arrow_file_is_read_and_written_with_its_types(screen: Scorer, tmp_path: Path) -> None:
    table = people.table(250)
    table = table.append_column("site", pa.array(["Aachen", "Bonn"] * 125).dictionary_encode())
    table = table.append_column("visits", pa.array([[place] for place in range(250)]))
    source = people.write(table, tmp_path / "in.feather", group=64)
    done = score_files(screen, source, tmp_path / "o.arrow", rows_per_chunk=50)
    with pa.ipc.open_file(tmp_path / "o.arrow") as file:
        found = file.read_all()
    assert found.select(table.column_names).to_pylist() == table.to_pylist()
    assert found.schema.field("visits").type == table.schema.field("visits").type
    assert found.schema.field("operating_point").type == pa.dictionary(pa.int8(), pa.string())
    assert done.counts.read == 250
    again = score_files(screen, tmp_path / "in.feather", tmp_path / "o.parquet", rows_per_chunk=50)
    assert pyarrow.parquet.read_table(tmp_path / "o.parquet")["probability"].equals(found["probability"])
    assert again.counts == done.counts


@pytest.mark.parametrize("data", [b"", b"ARROW1", b"id,x\n1,2\n", b"ARROW1\0\0" + b"\xff" * 64])
def test_what_is_no_arrow_file_is_refused(screen: Scorer, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.arrow").write_bytes(data)
    with pytest.raises(BadInput, match=r"in\.arrow: should be an Arrow file that can be read, got "):
        score_files(screen, tmp_path / "in.arrow", tmp_path / "o.csv")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.arrow"]


def test_a_damaged_arrow_file_is_refused_when_the_damage_is_met(screen: Scorer, tmp_path: Path) -> None:
    source = people.write(people.table(3000), tmp_path / "in.arrow", group=1000)
    data = bytearray(source.read_bytes())
    # Offsets of text that lead beyond it, in the last third.
    for place in range(len(data) * 2 // 3, len(data) - 2500):
        data[place] = 0xFF
    source.write_bytes(data)
    with pytest.raises(BadInput, match=r"in\.arrow: should be an Arrow file that can be read, got "):
        score_files(screen, source, tmp_path / "o.csv")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.arrow"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_a_file_without_rows_among_others_is_a_shard_without_rows(
    screen: Scorer, tmp_path: Path, kind: str, ending: str
) -> None:
    table = people.table(20)
    for place, many in enumerate((0, 20, 0)):
        people.write(table.slice(0, many), tmp_path / "in" / f"{place}.{kind}")
    done = score_files(screen, tmp_path / "in", tmp_path / "out")
    assert [output.rows for output in done.outputs] == [0, 20, 0]
    joined = score_files(screen, tmp_path / "in", tmp_path / f"o.{ending}")
    assert joined.counts == done.counts
    assert len(people.read(tmp_path / f"o.{ending}")) == 20
    for output in done.outputs:
        assert Path(output.path).stat().st_size > 0


HEADER = b"id,age,fluid,new_vessels,eye,note\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            (HEADER + b"1,61,,,left,x\n").decode().encode("utf-16"),
            "in.csv, line 1: should be text in UTF-8, got byte 0xff.",
        ),
        (HEADER + "1,61,,,left,Köln\n".encode("latin-1"), "in.csv, line 2: should be text in UTF-8, got byte 0xf6."),
        (HEADER + b'1,61,,,left,"K\xf6ln"\n', "in.csv, line 2: should be text in UTF-8, got byte 0xf6."),
        (HEADER + b"1,61,,,left,\xed\xa0\x80\n", "in.csv, line 2: should be text in UTF-8, got byte 0xed."),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_text_of_another_encoding_is_refused_by_its_line(
    screen: Scorer, tmp_path: Path, data: bytes, said: str, ending: str
) -> None:
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(BadInput) as caught:
        score_files(screen, tmp_path / "in.csv", tmp_path / f"o.{ending}")
    assert str(caught.value).replace(f"{tmp_path}/", "") == said
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.csv"]


def test_utf_16_without_a_mark_is_refused_too(screen: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes((HEADER + b"1,61,,,left,x\n").decode().encode("utf-16-le"))
    with pytest.raises(BadInput):
        score_files(screen, tmp_path / "in.csv", tmp_path / "o.csv")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.csv"]


def test_a_nul_byte_is_carried_in_text_and_refused_in_a_number(screen: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(HEADER + b"1,61,,,left,a\0b\n2,6\0,,,left,x\n3,61,,,le\0ft,x\n4,61,\0,,left,x\n")
    done = score_files(screen, tmp_path / "in.csv", tmp_path / "o.csv")
    assert done.counts.read == 4
    assert [line[2] for line in people.refusals(tmp_path / "o.csv")] == ["rows.1.age", "rows.2.eye", "rows.3.fluid"]
    assert b"a\0b" in (tmp_path / "o.csv").read_bytes()


def full(monkeypatch: pytest.MonkeyPatch, room: int) -> list[int]:
    left, write = [room], Hashed.write

    def instead(self: Hashed, data: Any) -> int:
        left[0] -= 0 if self._discarded else memoryview(data).nbytes
        if left[0] < 0 and not self._discarded:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    monkeypatch.setattr(Hashed, "write", instead)
    return left


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_on_a_full_disk_no_part_is_left_and_what_was_done_stays(
    screen: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for place in range(3):
        people.write(people.table(300, place), tmp_path / "in" / f"{place}.{kind}")
    whole = score_files(screen, tmp_path / "in", tmp_path / "whole")
    with monkeypatch.context() as patch:
        full(patch, whole.outputs[0].size + whole.outputs[1].size // 2)
        with pytest.raises(
            BadInput, match=r"should be a file that can be written to its end, got No space left on device\."
        ):
            score_files(screen, tmp_path / "in", tmp_path / "out")
    left = sorted(people.tree(tmp_path / "out"))
    assert left == ["_shards/part-00000.json", "_shards/part-00000.refused", f"part-00000.{kind}"]
    made = (tmp_path / "out" / f"part-00000.{kind}").stat().st_mtime_ns
    again = score_files(screen, tmp_path / "in", tmp_path / "out")
    assert [each.blake3 for each in again.outputs] == [each.blake3 for each in whole.outputs]
    assert (tmp_path / "out" / f"part-00000.{kind}").stat().st_mtime_ns == made
    with monkeypatch.context() as patch:
        full(patch, 10)
        with pytest.raises(
            BadInput, match=r"should be a file that can be written to its end, got No space left on device\."
        ):
            score_files(screen, tmp_path / "in", tmp_path / f"o.{kind}")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "in",
        "out",
        "out.manifest.json",
        "whole",
        "whole.manifest.json",
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_is_full_only_in_the_end_leaves_nothing_either(
    screen: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, call: str
) -> None:
    source = people.write(people.table(30), tmp_path / f"in.{kind}")

    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "fsync", fails) if call == "fsync" else (Path, "replace", fails)))
        with pytest.raises(
            BadInput, match=r"should be a file that can be written to its end, got No space left on device\."
        ):
            score_files(screen, source, tmp_path / f"o.{kind}")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [f"in.{kind}"]
    assert score_files(screen, source, tmp_path / f"o.{kind}").counts.read == 30


@pytest.mark.parametrize("name", ["o.csv", "out"])
def test_where_nothing_can_be_written_is_said_before_any_work(screen: Scorer, tmp_path: Path, name: str) -> None:
    source = people.csv_file(tmp_path / "in.csv", people.cells(3))
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput) as caught:
        score_files(screen, source, tmp_path / "file" / name)
    rule = "should be in a folder in which files can be made, got Not a directory"
    assert str(caught.value) == f"{tmp_path}/file/{name}: {rule}."
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.parametrize("cells", [["nan", "NaN"], ["inf", "-inf"], ["1e999", "-0.001"], ["120.0000001", "61,5"]])
def test_no_number_that_is_none_is_ever_answered(screen: Scorer, tmp_path: Path, cells: list[str]) -> None:
    rows = people.cells(12)
    for place, cell in enumerate(cells):
        rows[3 + place][1] = cell
    source = people.csv_file(tmp_path / "in.csv", rows)
    done = score_files(screen, source, tmp_path / "o.csv")
    assert done.counts.refused == 2
    assert [line[2] for line in people.refusals(tmp_path / "o.csv")] == ["rows.3.age", "rows.4.age"]
    typed = people.table(12)
    numbers = typed["age"].to_pylist()
    numbers[3:5] = [float(cell) if "," not in cell else 6e9 for cell in cells]
    for kind in (pa.float64(), pa.float32()):
        table = typed.set_column(typed.schema.get_field_index("age"), "age", pa.array(numbers).cast(kind, safe=False))
        for ending in ("parquet", "arrow"):
            file = people.write(table, tmp_path / f"in.{ending}")
            found = score_files(screen, file, tmp_path / "p.csv")
            # In 32 bits 120.0000001 is 120.
            assert found.counts.refused == (1 if cells[0].startswith("120.") and kind == pa.float32() else 2)


def test_no_row_is_read_twice_or_lost(screen: Scorer, tmp_path: Path) -> None:
    source = people.csv_file(tmp_path / "in.csv", people.spoiled(people.cells(997)))
    done = score_files(screen, source, tmp_path / "o.csv", rows_per_chunk=13)
    found = [row[0] for row in people.read(tmp_path / "o.csv")]
    gone = {int(line[1]) for line in people.refusals(tmp_path / "o.csv")}
    assert found == [f"{row:05}" for row in range(997) if row not in gone]
    assert done.counts == Counts(
        read=997, positive=done.counts.positive, negative=done.counts.negative, refused=len(gone)
    )
