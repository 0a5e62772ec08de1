"""The limit of the machine: processor time of each stage of the job with nothing around it, shared out to the cores.

`python -m benchmarks.batch.limits IN OUT MODEL`, a process of its own as every program is, prints what each stage took. One
thread does one stage after the other on each piece of the rows, and nothing is checked. Of two ways to read or to write
CSV, the one that takes less counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.batch.measuring import HERE, said
from benchmarks.batch.peers.arrow import answer, encode, types, writer
from benchmarks.batch.peers.common import CORES, ID, ROW_GROUP, ROWS_PER_CALL, Task, asked, scored, session
from benchmarks.batch.peers.polars_batches import coded
from models.unguarded import unguarded

# The ids of some rows, and what the model takes of them.
Coded = tuple[Any, np.ndarray]
STAGES = ("read", "encode", "inference", "write")
BLOCK = 4 << 20
# Row groups that all cores infer at once, to see what they cost each other.
TOGETHER = 8


def measured(source: Path, target: Path, model: Path) -> dict[str, float]:
    """Seconds of the processor by stage, of a process of its own."""
    command = [sys.executable, "-m", "benchmarks.batch.limits", str(source), str(target), str(model)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The limits of {source}: ended with {done.returncode}: {done.stderr}")
    target.unlink()
    return said(done.stdout, "LIMIT")


class Stages:
    """Seconds of the processor, of all threads, by stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count what is done within for a stage."""
        begun = time.process_time()
        yield
        self.seconds[stage] += time.process_time() - begun


def of_parquet(task: Task, loaded: Any) -> dict[str, float]:
    """A row group after the other, as it comes from the file."""
    file, stages, kept = pa.parquet.ParquetFile(task.source, read_dictionary=list(task.places)), Stages(), []
    with writer(task, task.target) as sink:
        for group in range(file.num_row_groups):
            with stages("read"):
                table = file.read_row_group(group, columns=[ID, *task.columns], use_threads=False)
            with stages("encode"):
                cells = encode(task, table)
            with stages("inference"):
                found = scored(loaded, task, cells)
            with stages("write"):
                sink.write_batch(answer(task, table.column(ID), found))
            kept = [*kept, cells][:TOGETHER]
        with stages("write"):
            sink.close()
    part = sum(map(len, kept)) / file.metadata.num_rows
    return {**stages.seconds, "inference on all cores": _together(task, loaded, kept) / part}


def of_csv(task: Task, loaded: Any) -> dict[str, float]:
    """The whole file, read, coded and written in two ways."""
    (ids, cells), first = min(_by_polars(task), _by_pyarrow(task), key=lambda way: sum(way[1].values()))
    stages = Stages()
    with stages("inference"):
        found = scored(loaded, task, cells)
    rows = answer(task, ids, found)
    written = min(_written_by_polars(task, rows), _written_by_pyarrow(task, rows))
    return {**stages.seconds, **first, "write": written}


def _by_polars(task: Task) -> tuple[Coded, dict[str, float]]:
    stages = Stages()
    with stages("read"):
        frame = pl.read_csv(task.source, schema_overrides=dict.fromkeys(task.numbers, pl.Float32))
    with stages("encode"):
        cells = np.concatenate(
            [
                frame[start : start + ROW_GROUP].select(coded(task)).to_numpy(order="c")
                for start in range(0, frame.height, ROW_GROUP)
            ]
        )
    return (frame[ID].to_arrow(), cells), _two(stages)


def _by_pyarrow(task: Task) -> tuple[Coded, dict[str, float]]:
    stages = Stages()
    with stages("read"):
        reading = pa.csv.ReadOptions(use_threads=False, block_size=BLOCK)
        converting = pa.csv.ConvertOptions(column_types=types(task), strings_can_be_null=True)
        batches = list(pa.csv.open_csv(task.source, read_options=reading, convert_options=converting))
    with stages("encode"):
        cells = np.concatenate([encode(task, batch) for batch in batches])
    return (pa.chunked_array([batch.column(ID) for batch in batches]), cells), _two(stages)


def _two(stages: Stages) -> dict[str, float]:
    return {stage: stages.seconds[stage] for stage in ("read", "encode")}


def _written_by_polars(task: Task, rows: pa.RecordBatch) -> float:
    begun = time.process_time()
    pl.from_arrow(rows).write_csv(task.target)
    return time.process_time() - begun


def _written_by_pyarrow(task: Task, rows: pa.RecordBatch) -> float:
    begun = time.process_time()
    with writer(task, task.target) as sink:
        sink.write_batch(rows)
    return time.process_time() - begun


def _together(task: Task, loaded: Any, kept: list[np.ndarray]) -> float:
    """Seconds of the processor where every core infers some of the rows."""
    cells = np.concatenate(kept)
    begun = time.process_time()
    threads = [threading.Thread(target=scored, args=(loaded, task, part)) for part in np.array_split(cells, CORES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - begun


if __name__ == "__main__":
    given = asked()
    held = session(unguarded(Path(given.model).read_bytes()))
    scored(held, given, np.zeros((ROWS_PER_CALL, len(given.columns)), np.float32))
    print("LIMIT", json.dumps((of_csv if given.csv else of_parquet)(given, held)))
