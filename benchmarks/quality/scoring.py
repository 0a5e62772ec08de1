"""Scores and labels -> figures at two operating points. Whoever has scores can call it.

Everywhere scores are float [rows], higher is sicker; sick is [rows] in {0, 1}; whoever scores at least the threshold is
flagged. A threshold of -inf flags everybody, one of inf nobody. Counts are compared as whole numbers, so that no share
is lost to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

RECALL, PRECISION, CONFIDENCE = 0.95, 0.9, 0.9
FLAG_EVERYBODY, FLAG_NOBODY = -math.inf, math.inf
# Prefixes of the ranking at which a walk starts: this many flagged, then 1.6 times as many, up to half of the rows.
FIRST_START, GROWTH = 30, 1.6
# A probability of exactly 0 or 1 has no logit.
CLIP = 1e-7


@dataclass(frozen=True)
class Steps:
    """All distinct thresholds, strictest first, ties kept together: sick flagged and all flagged at each, int [steps]."""

    thresholds: NDArray[np.float64]
    hits: NDArray[np.int64]
    flagged: NDArray[np.int64]

    @classmethod
    def of(cls, scores: NDArray[np.float64], sick: NDArray[np.int64]) -> Steps:
        """
        >>> Steps.of(np.array([0.1, 0.7, 0.7]), np.array([0, 0, 1])).flagged.tolist()
        [2, 3]
        """
        check(scores, sick)
        values, place = np.unique(-scores, return_inverse=True)
        everybody = np.bincount(place)
        hits = np.bincount(place, weights=sick, minlength=len(values)).astype(np.int64)
        return cls(-values, np.cumsum(hits), np.cumsum(everybody))


def check(scores: NDArray[np.float64], sick: NDArray[np.int64]) -> None:
    """Raises ValueError if the shapes differ, a score is NaN, a label is neither 0 nor 1, or a class is missing."""
    if scores.ndim != 1 or scores.shape != sick.shape:
        raise ValueError(f"Expected one shape, got scores {scores.shape}, sick {sick.shape}.")
    if np.isnan(scores).any():
        raise ValueError(f"Scores should be numbers, got {int(np.isnan(scores).sum())} NaN.")
    if set(np.unique(sick).tolist()) != {0, 1}:
        raise ValueError(f"Labels should be 0 and 1, both of them, got {np.unique(sick).tolist()}.")


def needed(share: float, of: int) -> int:
    """The smallest whole number that is at least this share, written in decimals, of so many.

    >>> needed(0.95, 100), needed(0.95, 101)
    (95, 96)
    """
    return math.ceil(Fraction(str(share)) * of)


def area(scores: NDArray[np.float64], sick: NDArray[np.int64]) -> float:
    """Area under the ROC curve."""
    check(scores, sick)
    return float(roc_auc_score(sick, scores))


def partial_area(scores: NDArray[np.float64], sick: NDArray[np.int64], lowest: float = 0.9) -> float:
    """Mean specificity over recalls from `lowest` to 1, where the ROC curve joins its points by straight lines."""
    steps = Steps.of(scores, sick)
    recall = np.append(0.0, steps.hits / sick.sum())
    alarms = np.append(0.0, (steps.flagged - steps.hits) / (len(sick) - sick.sum()))
    left, right = recall[:-1], recall[1:]
    begin = np.maximum(left, lowest)
    inside = right > begin
    slope = np.divide(np.diff(alarms), right - left, out=np.zeros(len(left)), where=inside)
    at_begin = alarms[:-1] + slope * (begin - left)
    trapezoids = (right - begin) * (at_begin + alarms[1:]) / 2
    return float(1 - trapezoids[inside].sum() / (1 - lowest))


def oracle_specificity(scores: NDArray[np.float64], sick: NDArray[np.int64], at_least: float = RECALL) -> float:
    """The highest specificity at which recall is kept on these very cases: how they are ranked, without a threshold."""
    steps = Steps.of(scores, sick)
    place = int(np.argmax(steps.hits >= needed(at_least, int(sick.sum()))))
    return float(1 - (steps.flagged - steps.hits)[place] / (len(sick) - sick.sum()))


def oracle_recall(scores: NDArray[np.float64], sick: NDArray[np.int64], at_least: float = PRECISION) -> float:
    """The highest recall at which precision is kept on these very cases; 0 if at no threshold it is."""
    steps = Steps.of(scores, sick)
    kept = _precise(steps, at_least)
    return float(steps.hits[kept].max(initial=0) / sick.sum())


def naive_recall_threshold(scores: NDArray[np.float64], sick: NDArray[np.int64], at_least: float = RECALL) -> float:
    """The highest threshold at which recall is kept on these cases."""
    check(scores, sick)
    positives = np.sort(scores[sick == 1])
    return float(positives[len(positives) - needed(at_least, len(positives))])


def certified_recall_threshold(
    scores: NDArray[np.float64], sick: NDArray[np.int64], at_least: float = RECALL, confidence: float = CONFIDENCE
) -> float:
    """The highest threshold whose true recall is kept with this confidence: an order statistic of the sick.

    Of n sick at most k may be missed, the largest k with BinCDF(k; n, 1 - at_least) <= 1 - confidence. Without such
    a k everybody is flagged.
    """
    check(scores, sick)
    positives = np.sort(scores[sick == 1])
    misses = np.arange(len(positives))
    allowed = np.flatnonzero(binom.cdf(misses, len(positives), 1 - at_least) <= 1 - confidence)
    return float(positives[allowed[-1]]) if len(allowed) else FLAG_EVERYBODY


def naive_precision_threshold(
    scores: NDArray[np.float64], sick: NDArray[np.int64], at_least: float = PRECISION
) -> float:
    """The lowest threshold at which precision is kept on these cases; if there is none, nobody is flagged."""
    steps = Steps.of(scores, sick)
    kept = np.flatnonzero(_precise(steps, at_least))
    return float(steps.thresholds[kept[-1]]) if len(kept) else FLAG_NOBODY


def certified_precision_threshold(
    scores: NDArray[np.float64], sick: NDArray[np.int64], at_least: float = PRECISION, confidence: float = CONFIDENCE
) -> float:
    """The lowest threshold that Learn-then-Test reaches from several starts; if none is reached, nobody is flagged.

    Each start, fixed by the number of rows alone, has an equal part of the risk and walks towards lower thresholds as
    long as a binomial test rejects that precision is below `at_least`.

    Source: Angelopoulos et al., "Learn then Test", 2021, fixed-sequence testing with multiple starts.
    """
    steps = Steps.of(scores, sick)
    starts = [float(FIRST_START)]
    while starts[-1] * GROWTH <= len(scores) / 2:
        starts.append(starts[-1] * GROWTH)
    alarms = steps.flagged - steps.hits
    rejected = binom.cdf(alarms, steps.flagged, 1 - at_least) <= (1 - confidence) / len(starts)
    reached = -1
    for start in np.unique(np.searchsorted(steps.flagged, starts)):
        stops = np.flatnonzero(~rejected[start:])
        end = start + (stops[0] if len(stops) else len(rejected) - start)
        if end > start:
            reached = max(reached, int(end) - 1)
    return float(steps.thresholds[reached]) if reached >= 0 else FLAG_NOBODY


def _precise(steps: Steps, at_least: float) -> NDArray[np.bool_]:
    share = Fraction(str(at_least))
    return steps.hits * share.denominator >= steps.flagged * share.numerator


@dataclass(frozen=True)
class AtThreshold:
    """What a threshold does to some cases; precision is NaN where nobody is flagged."""

    recall: float
    specificity: float
    precision: float
    keeps_recall: bool
    keeps_precision: bool

    @classmethod
    def of(cls, flagged: NDArray[np.bool_], sick: NDArray[np.int64]) -> AtThreshold:
        """`flagged` is bool [rows]. Precision counts as kept where nobody is flagged: nobody was flagged in vain."""
        hits, alarms = int(sick[flagged].sum()), int((1 - sick[flagged]).sum())
        positives = int(sick.sum())
        return cls(
            recall=hits / positives,
            specificity=1 - alarms / (len(sick) - positives),
            precision=hits / (hits + alarms) if hits + alarms else math.nan,
            keeps_recall=hits >= needed(RECALL, positives),
            keeps_precision=hits >= needed(PRECISION, hits + alarms),
        )


def brier(probabilities: NDArray[np.float64], sick: NDArray[np.int64]) -> float:
    """Mean squared distance of probabilities to what came out."""
    return float(np.mean((probabilities - sick) ** 2))


def observed_to_expected(probabilities: NDArray[np.float64], sick: NDArray[np.int64]) -> float:
    """Sick people counted, over those that the probabilities add up to: 1 is right."""
    return float(sick.sum() / probabilities.sum())


def logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds, of probabilities moved off 0 and 1 by 1e-7."""
    held = np.clip(probabilities, CLIP, 1 - CLIP)
    return np.asarray(np.log(held / (1 - held)))


def platt(
    calibration: NDArray[np.float64], sick: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probabilities mapped by a logistic regression of the labels on the logit, fitted on calibration cases.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999, without his smoothing of the labels.
    """
    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(logit(calibration)[:, None], sick)
    return np.asarray(fitted.predict_proba(logit(probabilities)[:, None])[:, 1])
