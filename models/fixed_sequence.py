"""Thresholds tested one after another, in an order fixed before the certification cases are seen.

Among the promises tested so, up to the first that fails, any false one is certified with chance 1 - confidence
at most, however many are tested. Source: Angelopoulos et al., "Learn then Test", 2021 (fixed sequence testing).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.curve import Counts, Curve
from models.errors import Unreachable
from models.promise import Promise

# So many thresholds are tried in one stroke; the second stroke is twice as long.
STROKE = 64
# Beyond this many times the cases, "bring more" is no longer advice.
MOST_TIMES = 1000


def walk(promise: Promise, certification: Curve, thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Test `thresholds` [thresholds] in their order until the first that fails; those before it have passed.

    Raises Unreachable if the first one fails.
    """
    passed, start, stroke = 0, 0, STROKE
    while start < len(thresholds):
        some = thresholds[start : start + stroke]
        hits, alarms = certification.counts_at(some)
        met = carried(promise, hits, alarms, certification) >= promise.bound
        passed = start + (len(some) if met.all() else int(np.argmin(met)))
        if not met.all():
            break
        start, stroke = start + stroke, stroke * 2
    if not passed:
        raise unreachable(promise, certification.at(float(thresholds[0])))
    return thresholds[:passed]


def surest(promise: Promise, guide: Curve) -> int:
    """The place of the guide's threshold that carries most there, counted from the highest: the walk starts at it.

    Raises ValueError if the guide holds one kind of cases only.
    """
    positives, negatives = guide.positive_count, guide.negative_count
    if not positives or not negatives:
        raise ValueError(
            f"The guide should hold both kinds of cases, got {positives} positives, {negatives} negatives."
        )
    _, hits, alarms = guide.cumulative
    return int(np.argmax(carried(promise, hits[:-1][::-1], alarms[:-1][::-1], guide)))


def carried(promise: Promise, hits: NDArray[np.int64], alarms: NDArray[np.int64], cases: Curve) -> NDArray[np.float64]:
    """`Promise.carried` of a precision or an NPV for many counts at once."""
    positives, negatives = cases.positive_count, cases.negative_count
    share = promise.prevalence
    assert share is not None
    half = (1 - promise.confidence) / 2
    caught = np.where(hits == 0, 0.0, special.betaincinv(np.maximum(hits, 1), positives - hits + 1, half))
    alarmed = np.where(
        alarms == negatives, 1.0, special.betaincinv(alarms + 1, np.maximum(negatives - alarms, 1), 1 - half)
    )
    right, wrong = (
        (share * caught, (1 - share) * alarmed)
        if promise.figure == "precision"
        else ((1 - share) * (1 - alarmed), share * (1 - caught))
    )
    return np.asarray(right / np.maximum(right + wrong, np.finfo(float).tiny))


def unreachable(promise: Promise, counts: Counts) -> Unreachable:
    """Why these counts, the most promising ones, do not do, and how many times as many would."""
    nearest = promise.carried(counts)
    times = times_needed(promise, counts)
    return Unreachable(
        str(promise),
        reason=f"{counts.positives} positives and {counts.negatives} negatives carry {promise.worded(nearest)}.",
        nearest=nearest,
        missing_positives=None if times is None else math.ceil(counts.positives * (times - 1)),
        missing_negatives=None if times is None else math.ceil(counts.negatives * (times - 1)),
    )


def times_needed(promise: Promise, counts: Counts) -> float | None:
    """How many times as many cases, of the same kind, would carry the promise; None if none would."""
    if not promise.met_by(promise.carried(counts.grown(MOST_TIMES))):
        return None
    low, high = 1.0, float(MOST_TIMES)
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if promise.met_by(promise.carried(counts.grown(middle))) else (middle, high)
    return high
