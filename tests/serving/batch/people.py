"""Files of people for the tests of jobs: the same rows in one file or in several, some of them bad."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from serving.batch.records import whole_records
from tests import handmade

NAMES = ("id", *handmade.SCHEMA.names, "note")


def cells(count: int, seed: int = 3, *, first: int = 0) -> list[list[str]]:
    """People as a CSV file has them."""
    return [
        [f"{first + place:05}", *("" if cell is None else str(cell) for cell in row.values()), f"note {first + place}"]
        for place, row in enumerate(handmade.rows(count, seed))
    ]


def spoiled(rows: list[list[str]], every: int = 7) -> list[list[str]]:
    """The same with a bad cell, or a row too short, now and then."""
    for place in range(2, len(rows), every):
        if place % 2:
            rows[place] = rows[place][:2]
        else:
            rows[place][1] = "999"
    return rows


def csv_file(file: Path, rows: list[list[str]], names: tuple[str, ...] = NAMES) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written).writerows([names, *rows])
    return file


def table(count: int, seed: int = 3, *, first: int = 0) -> pa.Table:
    """People as a typed file has them."""
    frame = pl.DataFrame(handmade.rows(count, seed), schema_overrides={"fluid": pl.Float64, "new_vessels": pl.Boolean})
    ids = pl.Series("id", range(first, first + count), dtype=pl.Int64)
    made: pa.Table = frame.with_columns(ids).to_arrow()
    return made.cast(pa.schema([(field.name, _plain(field.type)) for field in made.schema]))


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def write(rows: pa.Table, file: Path, group: int = 100) -> Path:
    """A Parquet or an Arrow file in groups of so many rows, or CSV."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".parquet":
        pyarrow.parquet.write_table(rows, file, row_group_size=group)
    elif file.suffix == ".csv":
        pl.DataFrame(rows).write_csv(file)
    else:
        with pa.OSFile(str(file), "wb") as opened, pa.ipc.new_file(opened, rows.schema) as made:
            made.write_table(rows, max_chunksize=group)
    return file


def text_in_blocks_of(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of text are read so many bytes at a time, so that small ones have many blocks."""
    default = {**(whole_records.__kwdefaults__ or {}), "block_bytes": size}
    monkeypatch.setattr(whole_records, "__kwdefaults__", default)


def read(target: Path) -> list[tuple[object, ...]]:
    """The rows of a result, of one file or of all shards in their order, as another reader finds them."""
    files = sorted(target.glob("part-*")) if target.is_dir() else [target]
    rows: list[tuple[object, ...]] = []
    for file in files:
        if file.suffix == ".csv":
            rows += pl.read_csv(file, infer_schema=False).rows()
        elif file.suffix == ".parquet":
            rows += pl.read_parquet(file).rows()
        else:
            rows += pl.read_ipc(file).rows()
    return rows


def refusals(target: Path) -> list[list[str]]:
    """The lines of the table of refusals of a result, without its header; none if there is no table."""
    file = Path(f"{target}.refused")
    if not file.exists():
        return []
    with file.open(newline="") as opened:
        header, *lines = csv.reader(opened, strict=True)
    assert header == ["file", "row", "path", "rule", "got"]
    return lines


def tree(folder: Path) -> dict[str, bytes]:
    """All files in a folder by their paths, and what is in them."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
