"""What the job costs in process: the inference alone, and with reading and writing JSON."""

from __future__ import annotations

import importlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from benchmarks.serving.job import SCHEMA, opened, rows
from benchmarks.serving.peers.fields import HOME
from models.generate import generate
from models.scorer import Scorer
from serving.batch.job import score_files

REPEATS = 15
BATCH_ROWS = 100_000


def inference(bundles: Path, count: int) -> float:
    """Seconds of one call of the runtime for so many rows."""
    graph = _peer(bundles, "graph")
    loaded, cells = graph.session(), generate(SCHEMA, count, seed=0)
    return fastest(lambda: loaded.run(graph.OUTPUTS, {"columns": cells}))


def job(bundles: Path, count: int) -> float:
    """Seconds from the bytes of a request for so many rows to the bytes of its answer, by msgspec."""
    graph, typed = _peer(bundles, "graph"), _peer(bundles, "typed")
    loaded, body = graph.session(), json.dumps({"rows": rows(count, 0)}).encode()
    decode, encode = msgspec.json.Decoder(typed.FastRecords).decode, msgspec.json.Encoder().encode

    def answer() -> bytes:
        cells = graph.encode([msgspec.structs.astuple(record) for record in decode(body).rows])
        return encode(typed.FastPredictions([typed.fast(each) for each in graph.answers(loaded, cells)]))

    return fastest(answer)


def _peer(bundles: Path, name: str) -> Any:
    """A module of the peers, which reads what it needs from the folder of the bundles when it is imported."""
    os.environ[HOME] = str(bundles)
    return importlib.import_module(f"benchmarks.serving.peers.{name}")


def batch(bundles: Path, folder: Path) -> float:
    """Rows that the batch scorer does in a second, from a Parquet file to one."""
    source = folder / "people.parquet"
    pl.DataFrame(rows(BATCH_ROWS, 0)).write_parquet(source)
    scorer, found = Scorer(opened(bundles)), []
    for turn in range(3):
        begun = time.perf_counter()
        score_files(scorer, source, folder / f"scores-{turn}.parquet")
        found.append(BATCH_ROWS / (time.perf_counter() - begun))
    return float(np.median(found))


def fastest(work: Callable[[], object]) -> float:
    """Seconds of one call, the median of several loops of a tenth of a second."""
    begun = time.perf_counter()
    work()
    times = max(1, int(0.1 / (time.perf_counter() - begun)))
    found = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - begun) / times)
    return float(np.median(found))
