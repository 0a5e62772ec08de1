"""pyarrow, one loop: batches of a dataset are read ahead by its own threads, scored and written one after the other."""

from __future__ import annotations

import pyarrow.dataset

from benchmarks.batch.peers.arrow import answer, encode, writer
from benchmarks.batch.peers.common import CORES, ID, asked, job, scored, session

ROWS = 65_536

if __name__ == "__main__":
    task = asked()
    loaded = session(task.model, threads=CORES)
    with job(), writer(task, task.target) as sink:
        people = pyarrow.dataset.dataset(task.source)
        for batch in people.to_batches(columns=[ID, *task.columns], batch_size=ROWS):
            sink.write_batch(answer(task, batch.column(ID), scored(loaded, task, encode(task, batch))))
