"""What a ranking is worth at a contract's promise, with as many copies of each person as a resample holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.comparison import Figure

# Counts are whole numbers in floats: a share of them is compared with room for the last bit.
LAST_BIT = 1e-9


@dataclass(frozen=True)
class Ranking:
    """People in the order of their scores, highest first; those who share a score come and go together.

    `order` [rows] are places, `ends` [distinct scores] the last place of each score.
    """

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    sick: NDArray[np.bool_]

    @classmethod
    def of(cls, scores: ArrayLike, targets: ArrayLike) -> Self:
        """Rank scores [rows] against targets [rows] in {0, 1}.

        Raises ValueError if a score is not finite.
        """
        values = np.asarray(scores, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"scores should be finite, got {np.count_nonzero(~np.isfinite(values))} that are not.")
        order = np.argsort(-values, kind="stable")
        ends = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
        return cls(order, ends, np.asarray(targets)[order] > 0)

    def counts(self, copies: NDArray[np.int64] | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sick and healthy at or above each distinct score, highest first, with `copies` [rows] of each row."""
        held = np.ones(len(self.order), dtype=np.int64) if copies is None else copies[self.order]
        everybody = np.cumsum(held)[self.ends]
        sick = np.cumsum(held * self.sick)[self.ends]
        return sick, everybody - sick


def measure(figure: Figure, hits: NDArray[np.int64], alarms: NDArray[np.int64]) -> float | None:
    """The figure at the best threshold among the scores themselves; None where one kind of people is missing.

    `hits` and `alarms` are the sick and the healthy at or above each distinct score, highest first.

    The false-positive rate at the highest threshold that keeps the recall; the highest recall among the thresholds
    that keep the precision at the named prevalence, 0 if none does.

    >>> screen = Figure(kind="false-positive rate", at_least=0.9, model="screen")
    >>> measure(screen, *Ranking.of([4, 3, 2, 1], [1, 0, 1, 0]).counts())
    0.5
    >>> sure = Figure(kind="recall", at_least=0.9, prevalence=0.5, model="presurgical")
    >>> measure(sure, *Ranking.of([4, 3, 2, 1], [1, 0, 1, 0]).counts())
    0.5
    """
    positives, negatives = hits[-1], alarms[-1]
    if not positives or not negatives:
        return None
    if figure.prevalence is None:
        place = int(np.searchsorted(hits, figure.at_least * positives - LAST_BIT))
        return float(alarms[place] / negatives)
    sick = figure.prevalence * hits / positives
    healthy = (1 - figure.prevalence) * alarms / negatives
    kept = sick >= figure.at_least * (sick + healthy) - LAST_BIT
    return float(hits[kept].max(initial=0) / positives)
