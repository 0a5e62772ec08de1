"""pyarrow, three stages side by side: a thread reads and codes, one infers, one writes; short queues between them."""

from __future__ import annotations

import os
import queue
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pyarrow.parquet

from benchmarks.batch.peers.arrow import answer, encode, writer
from benchmarks.batch.peers.common import CORES, ID, Task, asked, job, scored, session

WAITING = 3


def read(task: Task, coded: queue.Queue[Any]) -> None:
    """Row groups as the model takes them."""
    file = pyarrow.parquet.ParquetFile(task.source, read_dictionary=list(task.places))
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=[ID, *task.columns], use_threads=False)
        coded.put((table.column(ID), encode(task, table)))
    coded.put(None)


def write(task: Task, found: queue.Queue[Any]) -> None:
    """Answers as they come."""
    with writer(task, task.target) as sink:
        while (each := found.get()) is not None:
            sink.write_batch(answer(task, *each))


def started(work: Callable[..., None], *arguments: Any) -> threading.Thread:
    """A stage whose failure ends the whole program, since the others would wait for it."""

    def guarded() -> None:
        try:
            work(*arguments)
        except BaseException:  # noqa: BLE001  # whatever it is
            traceback.print_exc()
            os._exit(1)

    thread = threading.Thread(target=guarded)
    thread.start()
    return thread


def main() -> None:
    """Score a file."""
    task = asked()
    loaded = session(task.model, threads=CORES)
    coded: queue.Queue[Any] = queue.Queue(WAITING)
    found: queue.Queue[Any] = queue.Queue(WAITING)
    with job():
        stages = [started(read, task, coded), started(write, task, found)]
        while (each := coded.get()) is not None:
            ids, cells = each
            found.put((ids, scored(loaded, task, cells)))
        found.put(None)
        for stage in stages:
            stage.join()


if __name__ == "__main__":
    main()
