"""However a job is cut into shards, its rows and its refusals are the same."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from models.errors import BadInput
from models.scorer import Scorer
from serving.batch import job
from serving.batch.job import score_files
from tests.serving.batch import people

PARTS = (90, 1, 0, 60)  # rows of the files of a folder


def folder_of(where: Path, kind: str) -> tuple[Path, Path]:
    """Some files in a folder, and one with all their rows."""
    if kind == "csv":
        rows = people.spoiled(people.cells(sum(PARTS)))
        start = 0
        for place, many in enumerate(PARTS):
            people.csv_file(where / "in" / f"{place}.csv", rows[start : start + many])
            start += many
        return where / "in", people.csv_file(where / "all.csv", rows)
    whole = people.table(sum(PARTS))
    ages = [1e6 if place % 7 == 2 else age for place, age in enumerate(whole["age"].to_pylist())]
    whole = whole.set_column(whole.schema.get_field_index("age"), "age", [ages])
    start = 0
    for place, many in enumerate(PARTS):
        people.write(whole.slice(start, many), where / "in" / f"{place}.{kind}", group=25)
        start += many
    return where / "in", people.write(whole, where / f"all.{kind}", group=25)


def in_all(lines: list[list[str]], within: Path, whole: Path) -> list[list[str]]:
    """Refusals by the row in its own file -> by the row in the file of all."""
    before = {f"{within / str(place)}{whole.suffix}": sum(PARTS[:place]) for place in range(len(PARTS))}
    moved = []
    for file, row, path, rule, got in lines:
        number = int(row) + before[file]
        _, found, *column = path.split(".")
        assert found == row
        moved.append([str(whole), str(number), ".".join(["rows", str(number), *column]), rule, got])
    return moved


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_a_folder_of_files_gives_the_rows_and_refusals_of_one_file(screen: Scorer, tmp_path: Path, kind: str) -> None:
    within, whole = folder_of(tmp_path, kind)
    one = score_files(screen, whole, tmp_path / f"one.{kind}")
    several = score_files(screen, within, tmp_path / "several")
    joined = score_files(screen, within, tmp_path / f"joined.{kind}", rows_per_chunk=11)
    wanted = people.read(tmp_path / f"one.{kind}")
    assert len(wanted) == one.counts.read - one.counts.refused > 100
    assert people.read(tmp_path / "several") == people.read(tmp_path / f"joined.{kind}") == wanted
    assert several.models[0].counts == joined.models[0].counts == one.models[0].counts
    lines = people.refusals(tmp_path / f"one.{kind}")
    assert len({row for _, row, *_ in lines}) == one.counts.refused > 10
    assert in_all(people.refusals(tmp_path / "several"), within, whole) == lines
    assert in_all(people.refusals(tmp_path / f"joined.{kind}"), within, whole) == lines
    assert [output.rows for output in several.outputs] == [
        len(people.read(Path(each.path))) for each in several.outputs
    ]
    assert [Path(output.path).name for output in several.outputs] == [f"part-0000{place}.{kind}" for place in range(4)]
    assert one.outputs[0].rows == sum(output.rows for output in several.outputs) == joined.outputs[0].rows


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_every_cut_gives_the_same_rows_and_refusals(
    screen: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    _, whole = folder_of(tmp_path, kind)
    score_files(screen, whole, tmp_path / f"one.{kind}")
    wanted, lines = people.read(tmp_path / f"one.{kind}"), people.refusals(tmp_path / f"one.{kind}")
    many = set()
    monkeypatch.setattr("serving.batch.formats.comma.BLOCK_BYTES", 300)
    people.text_in_blocks_of(300, monkeypatch)
    for rows, size in ((1 << 20, 1 << 28), (60, 2500), (1, 1)):
        monkeypatch.setattr(job, "SHARD_ROWS", rows)
        monkeypatch.setattr(job, "SHARD_BYTES", size)
        target = tmp_path / f"cut-{rows}"
        found = score_files(screen, whole, target)
        many.add(len(found.outputs))
        assert people.read(target) == wanted
        assert people.refusals(target) == lines
        assert sum(output.rows for output in found.outputs) == len(wanted)
    assert min(many) == 1
    assert len(many) == 3


def test_a_cut_never_falls_into_a_cell_of_several_lines(
    screen: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people.cells(60)
    for place, row in enumerate(rows):
        row[-1] = 'said "no",\n' * (place % 5)
    rows[50][1] = "old"
    source = people.csv_file(tmp_path / "in.csv", rows)
    score_files(screen, source, tmp_path / "one.csv")
    monkeypatch.setattr(job, "SHARD_BYTES", 200)
    people.text_in_blocks_of(100, monkeypatch)
    found = score_files(screen, source, tmp_path / "cut")
    assert len(found.outputs) > 10
    assert people.read(tmp_path / "cut") == people.read(tmp_path / "one.csv")
    assert [line[1:3] for line in people.refusals(tmp_path / "cut")] == [["50", "rows.50.age"]]


def test_a_strict_job_names_the_file_and_where_in_it_it_stopped(
    screen: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = tmp_path / "in"
    good, bad = people.cells(50), people.cells(50)
    bad[30][1] = "old"
    people.csv_file(within / "a.csv", good)
    people.csv_file(within / "b.csv", bad)
    with pytest.raises(BadInput) as caught:
        score_files(screen, within, tmp_path / "out", strict=True)
    rule = "should be a number from 0 to 120 years, got 'old'."
    assert str(caught.value) == f"{within}/b.csv: rows.30.age: {rule}"
    # What was done by then stays done, and says so.
    assert sorted(people.tree(tmp_path / "out")) == [
        "_shards/part-00000.json",
        "_shards/part-00000.refused",
        "part-00000.csv",
    ]
    assert not Path(f"{tmp_path / 'out'}.manifest.json").exists()
    monkeypatch.setattr(job, "SHARD_BYTES", 500)
    people.text_in_blocks_of(500, monkeypatch)
    with pytest.raises(BadInput) as caught:
        score_files(screen, within / "b.csv", tmp_path / "cut", strict=True)
    said = str(caught.value)
    assert said.startswith(f"{within}/b.csv, from byte ")
    assert said.endswith(rule)
    # Which row of the file it is is not known in the middle of it; it is counted from that byte on.
    start, row = (int(said.partition(mark)[2].partition(end)[0]) for mark, end in (("from byte ", " "), ("rows.", ".")))
    assert (within / "b.csv").read_bytes()[start:].splitlines()[row].startswith(b"00030,old")


def test_files_of_unlike_columns_are_refused_by_the_column(screen: Scorer, tmp_path: Path) -> None:
    def said(one: Path, two: Path) -> str:
        assert one.parent == two.parent
        with pytest.raises(BadInput) as caught:
            score_files(screen, one.parent, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        return str(caught.value).replace(f"{one.parent}/", "")

    names = people.NAMES
    a = people.csv_file(tmp_path / "a" / "a.csv", people.cells(2))
    b = people.csv_file(tmp_path / "a" / "b.csv", [row[:-1] for row in people.cells(2)], names[:-1])
    assert said(a, b) == "b.csv: should have the columns of a.csv, note (string), got no column."
    b.unlink()
    c = people.csv_file(tmp_path / "a" / "c.csv", people.cells(2), (*names[:-1], "remark"))
    assert said(a, c) == "c.csv: should have the columns of a.csv, note (string), got remark (string)."
    c.unlink()
    d = people.csv_file(tmp_path / "a" / "d.csv", [row[:-2] for row in people.cells(2)], names[:-2])
    assert said(a, d) == f"d.csv: eye: should be a column of the table, got {', '.join(names[:-2])}."
    typed = people.table(3)
    one = people.write(typed, tmp_path / "b" / "a.parquet")
    other = typed.set_column(typed.schema.get_field_index("id"), "id", typed["id"].cast("int32"))
    two = people.write(other, tmp_path / "b" / "b.parquet")
    assert said(one, two) == "b.parquet: should have the columns of a.parquet, id (int64), got id (int32)."


@pytest.mark.parametrize("name", ["out", "a.of.csv", "deep/out"])
def test_nothing_is_written_into_a_folder_that_is_read(screen: Scorer, tmp_path: Path, name: str) -> None:
    file = people.csv_file(tmp_path / "in" / "a.csv", people.cells(2))
    fsspec.filesystem("memory").pipe_file("/read/a.csv", file.read_bytes())
    target = tmp_path / "in" / name
    with pytest.raises(BadInput) as caught:
        score_files(screen, tmp_path / "in", target)
    assert str(caught.value) == f"{target}: should lie outside the folder that is read, got {tmp_path / 'in'}."
    with pytest.raises(BadInput, match="outside the folder that is read"):
        score_files(screen, "memory://read", f"memory://read/{name}")


def test_nothing_is_read_out_of_the_folder_that_is_written(screen: Scorer, tmp_path: Path) -> None:
    people.csv_file(tmp_path / "out" / "a.csv", people.cells(2))
    with pytest.raises(BadInput, match=r"a\.csv: should lie outside the folder that is written, got "):
        score_files(screen, tmp_path / "out" / "a.csv", tmp_path / "out")
