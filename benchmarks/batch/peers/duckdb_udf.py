"""DuckDB: it reads, calls a function of ours on Arrow arrays, and writes."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.batch.peers.arrow import answer, encode
from benchmarks.batch.peers.common import CORES, asked, job, scored, session


def main() -> None:
    """Score a file."""
    task = asked()
    loaded = session(task.model)

    def score(*cells: pa.ChunkedArray) -> pa.StructArray:
        rows = pa.Table.from_arrays(list(cells), names=task.columns)
        nobody = pa.nulls(rows.num_rows, pa.int64())
        found = answer(task, nobody, scored(loaded, task, encode(task, rows))).drop_columns(["id"])
        return pa.StructArray.from_arrays(found.columns, names=found.schema.names)

    named = ", ".join(task.columns)
    # How many arguments there are is read from their names.
    function: Any = eval(f"lambda {named}: score({named})", {"score": score})
    fields = ["probability FLOAT", "positive BOOLEAN", "decision VARCHAR", *(f"{name} FLOAT" for name in task.symptoms)]
    kinds = ["VARCHAR" if name in task.places else "FLOAT" for name in task.columns]
    given = ", ".join(f"{name}::{kind}" for name, kind in zip(task.columns, kinds, strict=True))
    source = f"read_csv('{task.source}')" if task.csv else f"read_parquet('{task.source}')"
    written = "FORMAT csv, HEADER" if task.csv else "FORMAT parquet, COMPRESSION snappy"
    with job():
        database = duckdb.connect(config={"threads": CORES})
        database.create_function(
            "score", function, kinds, f"STRUCT({', '.join(fields)})", type="arrow", null_handling="special"
        )
        database.execute(f"COPY (SELECT id, unnest(score({given})) FROM {source}) TO '{task.target}' ({written})")


if __name__ == "__main__":
    main()
