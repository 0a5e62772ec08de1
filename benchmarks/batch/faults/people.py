"""People to be scored, some of whom have to be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.batch.job import ROW_GROUP, people

# A row of so many is bad: out of range, no number, or of a kind that nobody knows.
EVERY = 1000
BAD: tuple[tuple[str, Any], ...] = (("measure_1", 11.0), ("measure_2", float("nan")), ("site", "site-0"))


@dataclass(frozen=True)
class People:
    """Files of as many rows each in a folder, and which rows of which of them are bad."""

    folder: Path
    files: tuple[Path, ...]
    rows: int
    bad: frozenset[tuple[str, int]]

    @property
    def good(self) -> list[int]:
        """The ids of all that are to be answered, in order."""
        each = self.rows // len(self.files)
        refused = {place * each + row for place, file in enumerate(self.files) for row in self._bad_of(file)}
        return [number for number in range(self.rows) if number not in refused]

    def moved(self, folder: Path) -> People:
        """The same in another folder."""
        files = tuple(folder / file.name for file in self.files)
        return People(
            folder, files, self.rows, frozenset((str(folder / Path(name).name), row) for name, row in self.bad)
        )

    def _bad_of(self, file: Path) -> list[int]:
        return [row for name, row in self.bad if name == str(file)]


def written(folder: Path, *, rows: int, files: int, ending: str = ".parquet") -> People:
    """About so many people in so many files, to a whole number of them in each."""
    folder.mkdir(parents=True)
    each = max(EVERY, rows // files)
    paths = tuple(folder / f"people-{place:02}{ending}" for place in range(files))
    bad = np.arange(EVERY // 2, each, EVERY)
    for place, file in enumerate(paths):
        WRITE[ending](_spoilt(people(place * each, each), bad), file)
    return People(folder, paths, each * files, frozenset((str(file), int(row)) for file in paths for row in bad))


def appended(file: Path) -> None:
    """One more person at the end of a file of Parquet, which changes at once as a whole."""
    table = pq.read_table(file)
    beside = file.with_name(f".{file.name}")
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), beside, row_group_size=ROW_GROUP)
    beside.replace(file)


def _spoilt(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """The same with a bad cell in some rows, of one kind after the other."""
    for place, (name, cell) in enumerate(BAD):
        mask = np.zeros(table.num_rows, bool)
        mask[rows[place :: len(BAD)]] = True
        column = table[name].combine_chunks()
        cells = pc.if_else(pa.array(mask), pa.scalar(cell, column.type), column)
        table = table.set_column(table.schema.get_field_index(name), name, cells)
    return table


def _as_parquet(table: pa.Table, file: Path) -> None:
    pq.write_table(table, file, row_group_size=ROW_GROUP)


def _as_csv(table: pa.Table, file: Path) -> None:
    pa.csv.write_csv(table, file, pa.csv.WriteOptions(quoting_style="needed"))


WRITE: dict[str, Callable[[pa.Table, Path], None]] = {".parquet": _as_parquet, ".csv": _as_csv}
