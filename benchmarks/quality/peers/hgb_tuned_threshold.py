"""scikit-learn's own way to an operating point: TunedThresholdClassifierCV, told each contract as a scorer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from benchmarks.quality.encoding import encode
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.peer import Job, Peer
from benchmarks.quality.peers.hgb import boosting
from benchmarks.quality.runs import Run, empty
from benchmarks.quality.scoring import PRECISION, RECALL, AtThreshold

Labels = NDArray[np.int64]


def screens(sick: Labels, positive: Labels) -> float:
    """Specificity where recall is kept; below every such value where it is not, and the better the nearer."""
    at = AtThreshold.of(positive == 1, sick)
    return at.specificity if at.keeps_recall else at.recall / RECALL - 2


def operates(sick: Labels, positive: Labels) -> float:
    """Recall where precision is kept; below every such value where it is not, and the better the nearer."""
    at = AtThreshold.of(positive == 1, sick)
    return at.recall if at.keeps_precision else at.precision / PRECISION - 2


@dataclass(frozen=True)
class Tuned(Peer):
    """Thresholds are chosen by cross-validation of all development rows, and certify nothing."""

    def run(self, job: Job) -> Run:
        rows, sick = job.split, job.table.sick
        begin = time.perf_counter()
        encoded = encode(job.table, rows.development)

        def tuned(contract: Callable[[Labels, Labels], float]) -> TunedThresholdClassifierCV:
            return TunedThresholdClassifierCV(
                boosting(encoded, job.seed, balanced=False),
                scoring=make_scorer(contract),
                cv=5,
                random_state=job.repeat,
            ).fit(encoded.trees[rows.development], sick[rows.development])

        screen, presurgical = tuned(screens), tuned(operates)
        seconds = time.perf_counter() - begin
        model = Fitted.of(lambda asked: screen.predict_proba(encoded.trees[asked])[:, 1], screen)
        test = encoded.trees[rows.test]
        return Run(
            thresholds="tuned",
            test=model.score(rows.test),
            test_sick=sick[rows.test],
            seconds=seconds,
            bytes=model.bytes,
            latency=model.latency(rows.test),
            calibration=empty(np.float64),
            calibration_sick=empty(np.int64),
            presurgical=empty(np.float64),
            flagged_screen=screen.predict(test) == 1,
            flagged_presurgical=presurgical.predict(test) == 1,
        )


peer = Tuned("HistGradientBoosting, TunedThresholdClassifierCV")
