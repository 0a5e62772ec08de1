"""What the peers share: the columns, the one model, the answer's columns, and the time of a job.

Nothing here is of Fulcrum but the list of columns that lies beside the bundles: it runs in an environment of its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime

ID, CORES = "id", os.cpu_count() or 1
# The activations of a thousand rows stay in the cache of a core; with all defaults, many more rows are given at once.
ROWS_PER_CALL, ROW_GROUP = 1024, 131_072


class Task(NamedTuple):
    """What a peer is asked: `places` holds, of each column of text, the number of each category."""

    source: str
    target: str
    model: str
    columns: list[str]
    places: dict[str, dict[str, float]]
    symptoms: list[str]

    @property
    def numbers(self) -> list[str]:
        """The columns that are no text."""
        return [name for name in self.columns if name not in self.places]

    @property
    def csv(self) -> bool:
        """Whether text is read and written."""
        return self.source.endswith(".csv")


def asked() -> Task:
    """From the command line: IN OUT MODEL."""
    source, target, model = sys.argv[1:]
    found = json.loads((Path(model).parents[1] / "fields.json").read_text())
    kinds = {name: kinds for name, _, _, kinds, _ in found["fields"]}
    places = {name: {kind: float(place) for place, kind in enumerate(each)} for name, each in kinds.items() if each}
    return Task(source, target, model, list(kinds), places, found["symptoms"])


def session(model: str | bytes, threads: int | None = 1) -> onnxruntime.InferenceSession:
    """A file, or what is in one, in a runtime of so many threads; None leaves all as it is by default."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def scored(
    loaded: onnxruntime.InferenceSession, task: Task, cells: np.ndarray, call: int = ROWS_PER_CALL
) -> dict[str, np.ndarray]:
    """Probability, positive and the symptoms of some rows, float32 [rows, columns], in calls of so many."""
    outputs = ["probability", "positive", *task.symptoms]
    found = [
        loaded.run(outputs, {"columns": cells[start : start + call]}) for start in range(0, max(1, len(cells)), call)
    ]
    return {name: np.concatenate([each[place] for each in found]) for place, name in enumerate(outputs)}


@contextmanager
def job() -> Iterator[None]:
    """Tell how long it took, whatever was imported and loaded before left out."""
    begun = time.perf_counter()
    yield
    print("JOB", json.dumps({"seconds": time.perf_counter() - begun}), flush=True)
