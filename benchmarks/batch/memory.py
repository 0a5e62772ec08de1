"""`python -m benchmarks.batch.memory`: does the memory of the batch scorer grow with the file?

A file of 50,000,000 rows is made of the people of `python -m benchmarks.batch`, again and again with ids of their own; it and
its answers take some 5 GB while they are measured, and are deleted then.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console

from benchmarks.batch import page
from benchmarks.batch.job import ROWS, prepared
from benchmarks.batch.measuring import Failed, run
from benchmarks.batch.programs import fulcrum

OUT = Path("out") / "batch"
FEW, MANY = 1_000_000, 50_000_000
screen = Console()


def main(
    few: Annotated[int, typer.Option(min=1, help="rows of the small file")] = FEW,
    many: Annotated[int, typer.Option(min=1, help="rows of the large one")] = MANY,
    turns: Annotated[int, typer.Option(min=1, help="of both")] = 1,
    rows: Annotated[int, typer.Option(min=1000, help="people that both are made of")] = ROWS,
    out: Annotated[Path, typer.Option(help="folder of the people and of what was measured")] = OUT,
) -> None:
    """Measure both in turn; `python -m benchmarks.batch.page` puts it on the page."""
    job = prepared(out, rows)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=out) as folder:
        source, target = Path(folder).resolve() / "people.parquet", Path(folder).resolve() / "answers.parquet"
        for turn, count in itertools.product(range(turns), (few, many)):
            screen.print(f"{turn + 1} of {turns}: {count:,} rows")
            repeated(job.parquet, source, count)
            try:
                cost = run(fulcrum(source, target, job.bundle), out.resolve() / "memory.log")
            except Failed as error:
                raise SystemExit(f"{count:,} rows: {error}") from None
            found.append({"turn": turn, "rows": count, "megabytes": cost.megabytes, "seconds": cost.seconds})
            (out / page.MEMORY).write_text(json.dumps(found, indent=1))
    for line in found:
        screen.print(f"{line['rows']:,} rows: {line['megabytes']:,.0f} MB, {line['seconds']:.1f} s")


def repeated(source: Path, target: Path, count: int, *, first: int = 0) -> None:
    """So many rows of a file, over and over, a row group at a time, with ids that go on from the first one."""
    file, stop = pq.ParquetFile(source), first + count
    with pq.ParquetWriter(target, file.schema_arrow, compression="snappy") as writer:
        for table in _over_and_over(file):
            part = table.slice(0, stop - first)
            ids = pa.array(np.arange(first, first + part.num_rows, dtype=np.int64))
            writer.write_table(part.set_column(part.schema.get_field_index("id"), "id", ids))
            first += part.num_rows
            if first == stop:
                return


def _over_and_over(file: pq.ParquetFile) -> Iterator[pa.Table]:
    for group in itertools.cycle(range(file.num_row_groups)):
        yield file.read_row_group(group)


if __name__ == "__main__":
    typer.run(main)
