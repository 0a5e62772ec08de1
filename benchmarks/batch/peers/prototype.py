"""The least that a fast job needs: a thread a core, one runtime of one thread, small calls, one writer that keeps the order.

Each thread decodes a whole row group, codes and scores it. Of CSV one reader splits and parses for all of them. Nothing is
checked: a cell that no model may see is scored as any other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.batch.peers.arrow import answer, encode, types, writer
from benchmarks.batch.peers.common import CORES, ID, Task, asked, job, scored, session

AHEAD, BLOCK = 2, 4 << 20


def pieces(task: Task) -> Iterator[Callable[[], Any]]:
    """Work that gives some rows each, to be done by whoever takes it; of CSV, the taking is the work."""
    if task.csv:
        reading = pa.csv.ReadOptions(block_size=BLOCK)
        converting = pa.csv.ConvertOptions(column_types=types(task), strings_can_be_null=True)
        for batch in pa.csv.open_csv(task.source, read_options=reading, convert_options=converting):
            yield lambda batch=batch: batch
        return
    known, own, wanted = pa.parquet.read_metadata(task.source), threading.local(), [ID, *task.columns]

    def read(group: int) -> pa.Table:
        if not hasattr(own, "file"):
            own.file = pa.parquet.ParquetFile(task.source, metadata=known, read_dictionary=list(task.places))
        return own.file.read_row_group(group, columns=wanted, use_threads=False)

    for group in range(known.num_row_groups):
        yield lambda group=group: read(group)


class InOrder:
    """Writes what comes in any order by its place."""

    def __init__(self, sink: Any) -> None:
        self._sink, self._early, self._next, self._lock = sink, {}, 0, threading.Lock()

    def put(self, place: int, rows: pa.RecordBatch) -> int:
        """Take some rows, write all whose turn has come, and say how many pieces that were."""
        with self._lock:
            self._early[place], before = rows, self._next
            while self._next in self._early:
                self._sink.write_batch(self._early.pop(self._next))
                self._next += 1
            return self._next - before


def main() -> None:
    """Score a file, which appears whole or not at all."""
    task = asked()
    loaded = session(task.model)
    aside = Path(f"{task.target}.aside")
    with job():
        with writer(task, str(aside)) as sink:
            _shared(task, loaded, InOrder(sink))
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(task.target)


def _shared(task: Task, loaded: Any, ordered: InOrder) -> None:
    left, taking, room = enumerate(pieces(task)), threading.Lock(), threading.Semaphore(CORES + AHEAD)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            while not failed:
                room.acquire()
                with taking:
                    place, piece = next(left, (None, None))
                if place is None or piece is None:
                    room.release()
                    return
                table = piece()
                cells = encode(task, table)
                for _ in range(ordered.put(place, answer(task, table.column(ID), scored(loaded, task, cells)))):
                    room.release()
        except BaseException as error:  # noqa: BLE001  # told once all have ended
            failed.append(error)
            room.release()

    threads = [threading.Thread(target=work) for _ in range(CORES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


if __name__ == "__main__":
    main()
