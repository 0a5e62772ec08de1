"""A model that was fitted: how it scores rows of its table, how large it is, and how long one row takes."""

from __future__ import annotations

import pickle
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.splits import Rows

Scores = NDArray[np.float64]
WARM, CALLS = 10, 200


@dataclass(frozen=True)
class Fitted:
    """`score` takes rows and gives probabilities, float64 [rows]; `bytes` is what is kept of the model, pickled."""

    score: Callable[[Rows], Scores]
    bytes: int

    @classmethod
    def of(cls, score: Callable[[Rows], Any], kept: object) -> Fitted:
        return cls(lambda rows: np.asarray(score(rows), dtype=np.float64), len(pickle.dumps(kept)))

    def latency(self, rows: Rows) -> float:
        """Seconds for one row that is encoded already, the median of many, through the model's own Python interface."""
        return median_seconds([lambda row=row: self.score(row) for row in np.resize(rows, (WARM + CALLS, 1))])


def median_seconds(calls: Sequence[Callable[[], Any]]) -> float:
    """The median time of the calls after the first ten."""
    seconds = []
    for call in calls:
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[WARM:])


def mean(parts: Sequence[Fitted]) -> Fitted:
    """The mean of the probabilities of several models."""
    return Fitted(lambda rows: np.mean([part.score(rows) for part in parts], axis=0), sum(part.bytes for part in parts))
