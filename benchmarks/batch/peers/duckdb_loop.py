"""DuckDB: it reads, and hands Arrow batches to a loop around the runtime; pyarrow writes."""

from __future__ import annotations

import duckdb

from benchmarks.batch.peers.arrow import answer, encode, writer
from benchmarks.batch.peers.common import CORES, ID, ROW_GROUP, asked, job, scored, session

if __name__ == "__main__":
    task = asked()
    loaded = session(task.model, threads=CORES)
    with job(), writer(task, task.target) as sink:
        database = duckdb.connect(config={"threads": CORES})
        people = database.sql(f"SELECT id, {', '.join(task.columns)} FROM read_parquet('{task.source}')")
        for batch in people.to_arrow_reader(ROW_GROUP):
            sink.write_batch(answer(task, batch.column(ID), scored(loaded, task, encode(task, batch))))
