"""The job that every program does: a file of people in, a file of answers out.

The network is the one of `benchmarks.serving`, with 23 columns; what it says of anybody means nothing, since only its speed
is asked. The people keep the schema, so that no row is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.serving.job import make
from models.schema import Categorical, Column, Numeric, Schema

NUMBERS, KINDS = 20, {"site": 40, "device": 5, "cohort": 12}
# These come as 32-bit floats, the others as 64-bit ones.
NARROW = NUMBERS // 2
COLUMNS: tuple[Column, ...] = (
    *(
        Numeric(name=f"measure_{number}", meaning=f"measure {number}", low=0, high=10 * number, missing="impute")
        for number in range(1, NUMBERS + 1)
    ),
    *(
        Categorical(
            name=name,
            meaning=f"which {name}",
            categories=tuple(f"{name}-{kind}" for kind in range(1, kinds + 1)),
            missing="impute",
        )
        for name, kinds in KINDS.items()
    ),
)
SCHEMA = Schema(columns=COLUMNS)
ROWS, ROWS_OF_CSV, ROW_GROUP, PARTS = 5_000_000, 1_000_000, 131_072, 20
EMPTY = 0.01


@dataclass(frozen=True)
class Job:
    """Where everything is: the bundle, and the same people as one Parquet file, as a folder of them and, fewer, as CSV."""

    bundle: Path
    parquet: Path
    parts: Path
    csv: Path
    rows: int
    rows_of_csv: int

    @property
    def model(self) -> Path:
        """The ONNX file that everybody runs."""
        return self.bundle / "model.onnx"


def bundle_in(out: Path) -> Path:
    """The bundle in `out`; kept if it is there."""
    out.mkdir(parents=True, exist_ok=True)
    return make(out, "batch", schema=SCHEMA).resolve() / "screen"


def prepared(out: Path, rows: int = ROWS) -> Job:
    """The bundle and so many people in `out`; kept if they are there."""
    bundle = bundle_in(out)
    home = out.resolve() / f"rows_{rows}"
    job = Job(
        bundle, home / "people.parquet", home / "parts", home / "people.csv", rows, max(1, rows * ROWS_OF_CSV // ROWS)
    )
    done = home / "complete"
    if not done.exists():
        job.parts.mkdir(parents=True, exist_ok=True)
        _parquet(job)
        _parts(job)
        _csv(job)
        done.touch()
    return job


def people(first: int, rows: int) -> pa.Table:
    """So many people, the first of them with the id `first`; the same from the same `first`."""
    random = np.random.default_rng([7, first])
    table = {"id": pa.array(np.arange(first, first + rows, dtype=np.int64))}
    for place, column in enumerate(COLUMNS):
        if isinstance(column, Numeric):
            cells = np.clip(_measured(random, place, column.high, rows), column.low, column.high)
            values = pa.array(cells.astype(np.float32 if place < NARROW else np.float64), mask=_empty(random, rows))
        else:
            assert isinstance(column, Categorical)
            often = 1 / np.arange(1, len(column.categories) + 1)
            places = random.choice(len(often), rows, p=often / often.sum()).astype(np.int32)
            values = pa.array(column.categories).take(pa.array(places, mask=_empty(random, rows)))
        table[column.name] = values
    return pa.table(table)


def _measured(random: np.random.Generator, place: int, high: float, rows: int) -> np.ndarray:
    """Numbers as tables hold them: with all their digits, with one or two of them, or whole."""
    match place % 4:
        case 0:
            return random.normal(high / 2, high / 6, rows)
        case 1:
            return random.gamma(2, high / 10, rows).round(1)
        case 2:
            return random.poisson(high / 3, rows).astype(np.float64)
        case _:
            return random.normal(high / 2, high / 6, rows).round(2)


def _empty(random: np.random.Generator, rows: int) -> np.ndarray:
    return random.random(rows) < EMPTY


def _parquet(job: Job) -> None:
    with pq.ParquetWriter(job.parquet, people(0, 1).schema, compression="snappy") as writer:
        for first in range(0, job.rows, ROW_GROUP):
            writer.write_table(people(first, min(ROW_GROUP, job.rows - first)), row_group_size=ROW_GROUP)


def _parts(job: Job) -> None:
    """The same people in files of as many each, as engines like them."""
    table, each = pq.ParquetFile(job.parquet), -(-job.rows // PARTS)
    for place, batch in enumerate(_runs(table, each)):
        pq.write_table(batch, job.parts / f"part-{place:04d}.parquet", compression="snappy", row_group_size=ROW_GROUP)


def _runs(file: pq.ParquetFile, rows: int) -> list[pa.Table]:
    """The rows of a file, so many in each table but the last; sliced from one table, nothing is copied."""
    table = file.read()
    return [table.slice(first, rows) for first in range(0, table.num_rows, rows)]


def _csv(job: Job) -> None:
    options, left = pa.csv.WriteOptions(quoting_style="none"), job.rows_of_csv
    file = pq.ParquetFile(job.parquet)
    with pa.csv.CSVWriter(job.csv, file.schema_arrow, write_options=options) as writer:
        for batch in file.iter_batches(ROW_GROUP):
            writer.write_batch(batch.slice(0, left))
            left -= min(left, batch.num_rows)
