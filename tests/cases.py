"""Cases drawn or made up for contracts, and outside references for what they carry."""

from __future__ import annotations

import numpy as np
from scipy import stats

from models.curve import Counts, Curve


def drawn(
    cases: int, prevalence: float, seed: int, *, apart: float = 3.0, steps: int | None = None, of: float | None = None
) -> Curve:
    """Cases of whom `prevalence` are sick and score `apart` higher, on `steps` distinct scores if ties are wanted.

    The curve says that its probabilities are stated at `of`.
    """
    random = np.random.default_rng(seed)
    sick = random.random(cases) < prevalence
    scores = 1 / (1 + np.exp(2 - random.normal(np.where(sick, apart, 0.0), 1.0)))
    if steps:
        scores = (np.floor(scores * steps) + 0.5) / steps
    return Curve.of(scores.astype(np.float32), sick, prevalence=of)


def two_scores(counts: Counts, *, of: float | None = None) -> Curve:
    """Cases that score 0.9 if flagged and 0.1 if not."""
    flagged, clear = counts.hits + counts.alarms, counts.misses + counts.clears
    targets = [1] * counts.hits + [0] * counts.alarms + [1] * counts.misses + [0] * counts.clears
    return Curve.of([0.9] * flagged + [0.1] * clear, targets, prevalence=of)


def least(of: int, out_of: int, confidence: float) -> float:
    """scipy's own one-sided Clopper-Pearson bound from below."""
    if not out_of:
        return 0.0
    return float(stats.binomtest(of, out_of, alternative="greater").proportion_ci(confidence, "exact").low)


def most(of: int, out_of: int, confidence: float) -> float:
    """From above."""
    if not out_of:
        return 1.0
    return float(stats.binomtest(of, out_of, alternative="less").proportion_ci(confidence, "exact").high)
