"""polars: a lazy scan whose batches are coded by polars itself, and one loop over them."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.batch.peers.common import CORES, ID, ROW_GROUP, Task, asked, job, scored, session


def coded(task: Task) -> list[pl.Expr]:
    """The cells as the model takes them."""
    return [
        (
            pl.col(name).replace_strict(task.places[name], default=None, return_dtype=pl.Float32)
            if name in task.places
            else pl.col(name).cast(pl.Float32)
        ).fill_null(float("nan"))
        for name in task.columns
    ]


def main() -> None:
    """Score a file."""
    from benchmarks.batch.peers.arrow import answer, writer  # noqa: PLC0415  # the limits take only the cells from here

    task = asked()
    loaded = session(task.model, threads=CORES)
    with job(), open(task.target, "wb") as file:  # noqa: PTH123  # the name is text
        people = pl.scan_csv(task.source) if task.csv else pl.scan_parquet(task.source)
        sink, head = None if task.csv else writer(task, file), True
        coding = people.select(ID, *coded(task))
        for frame in coding.collect_batches(chunk_size=ROW_GROUP, maintain_order=True, engine="streaming"):
            cells = frame.select(task.columns).to_numpy(order="c").astype(np.float32, copy=False)
            rows = answer(task, frame[ID].to_arrow(), scored(loaded, task, cells))
            if sink is None:
                pl.from_arrow(rows).write_csv(file, include_header=head)
                head = False
            else:
                sink.write_batch(rows)
        if sink is not None:
            sink.close()


if __name__ == "__main__":
    main()
