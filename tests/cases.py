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


def precision_by_scipy(counts: Counts, confidence: float, prevalence: float) -> float:
    """The hits among all flagged bounded by scipy's own Clopper-Pearson, one hit by Markov; then Bayes."""
    return _by_scipy(
        (counts.hits, counts.alarms), (counts.positives, counts.negatives), confidence, (prevalence, 1 - prevalence)
    )


def npv_by_scipy(counts: Counts, confidence: float, prevalence: float) -> float:
    """The same of the healthy among all cleared."""
    return _by_scipy(
        (counts.clears, counts.misses), (counts.negatives, counts.positives), confidence, (1 - prevalence, prevalence)
    )


def _by_scipy(
    answers: tuple[int, int], cases: tuple[int, int], confidence: float, people: tuple[float, float]
) -> float:
    right, answered = answers[0], sum(answers)
    share = (1 - confidence) / answered if right == 1 else least(right, answered, confidence)
    rightly, wrongly = share / cases[0] * people[0], (1 - share) / cases[1] * people[1]
    return rightly / (rightly + wrongly)
