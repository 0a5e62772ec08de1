"""Thresholds tested one after another, in an order fixed before the labels of the certification cases are seen.

Among the promises tested so, up to the first that fails, any false one is certified with chance 1 - confidence
at most, however many are tested. Source: Angelopoulos et al., "Learn then Test", 2021 (fixed sequence testing).

A guide, other cases, says where to begin. Without one the scores of the certification cases do, whose labels alone are
tested: several walks begin where about 30, 48, 77 ... of the cases are answered, up to half of them, and share the
risk equally. A walk that comes to where the next one begins hands its risk on to it. So each false promise is
tested, as long as none was certified, at the risk given out since the false one before it, and all of these add up to
the whole. Source: Wiens, Pharmaceutical Statistics 2003 (the fallback procedure).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.curve import Counts, Curve
from models.errors import Unreachable
from models.flagged_share import least_share
from models.promise import Promise

# So many thresholds are tried in one stroke; the second stroke is twice as long.
STROKE = 64
# Beyond this many times the cases, "bring more" is no longer advice.
MOST_TIMES = 1000
# Without a guide the first walk begins where so many are answered, the next at so many times as many.
FEWEST, WIDER = 30, 1.6


def walk(promise: Promise, certification: Curve, thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Test `thresholds` [thresholds] in their order until the first that fails; those before it have passed.

    Raises Unreachable if the first one fails.
    """
    passed = _passed(promise, certification, thresholds)
    if not passed:
        raise unreachable(promise, certification.at(float(thresholds[0])))
    return thresholds[:passed]


def _passed(promise: Promise, certification: Curve, thresholds: NDArray[np.float32]) -> int:
    """How many of the thresholds pass before the first that fails."""
    start, stroke = 0, STROKE
    while start < len(thresholds):
        some = thresholds[start : start + stroke]
        hits, alarms = certification.counts_at(some)
        met = carried(promise, hits, alarms, certification) >= promise.bound
        if not met.all():
            return start + int(np.argmin(met))
        start, stroke = start + stroke, stroke * 2
    return len(thresholds)


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


def walks(promise: Promise, certification: Curve) -> NDArray[np.float32]:
    """The thresholds that pass without a guide, in the order of testing, in which ever more people are answered.

    Raises Unreachable if none does.
    """
    thresholds, answered = _order(promise, certification)
    begins = _begins(answered, answered_of=certification.positive_count + certification.negative_count)
    found, handed = [thresholds[:0]], 0.0
    for (place, share), (end, _) in pairwise([*begins, (len(thresholds), 0.0)]):
        some = thresholds[place:end]
        passed = _passed(_at_share(promise, handed + share), certification, some)
        found.append(some[:passed])
        handed = handed + share if passed == len(some) else 0.0
    if not any(map(len, found)):
        raise _nowhere(promise, certification)
    return np.concatenate(found)


def _order(promise: Promise, cases: Curve) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The thresholds of the cases, ever more of whom are answered, and how many: flagged, or cleared for an NPV."""
    _, hits, alarms = cases.cumulative
    flagged = (hits + alarms)[:-1]
    if promise.figure == "npv":
        return cases.middles, cases.positive_count + cases.negative_count - flagged
    return cases.middles[::-1], flagged[::-1]


def _begins(answered: NDArray[np.int64], *, answered_of: int, times: float = 1.0) -> list[tuple[int, float]]:
    """Where walks begin, in order, and the share of the risk of those that begin there.

    With `times` it is told for so many times the cases, all of them like those that are there.
    """
    if not len(answered):
        return []
    half = answered_of * times / 2
    steps = max(math.floor(math.log(half / FEWEST, WIDER)) + 1, 0) if half else 0
    wanted = FEWEST * WIDER ** np.arange(steps) if steps else np.array([half])
    # Where one score is shared by many, the first place that is enough; at the end, the last there is.
    places = np.minimum(np.searchsorted(answered * times, wanted), len(answered) - 1)
    distinct, walks_there = np.unique(places, return_counts=True)
    return [(int(place), count / len(wanted)) for place, count in zip(distinct, walks_there.tolist(), strict=True)]


def _at_share(promise: Promise, share: float) -> Promise:
    """A promise at a share of its risk."""
    return promise.model_copy(update={"confidence": 1 - (1 - promise.confidence) * share})


def _nowhere(promise: Promise, certification: Curve) -> Unreachable:
    """Why no walk gets anywhere: the most promising beginning, and how many times as many cases would do."""
    thresholds, answered = _order(promise, certification)
    cases = certification.positive_count + certification.negative_count

    def begun(times: float) -> list[tuple[float, Counts]]:
        """What is carried where walks begin."""
        found = []
        for place, share in _begins(answered, answered_of=cases, times=times):
            counts = certification.at(float(thresholds[place]))
            counts = counts if times == 1 else counts.grown(times)
            found.append((_at_share(promise, share).carried(counts), counts))
        return found

    nearest, counts = max(begun(1), key=lambda one: one[0], default=(0.0, certification.at(1.0)))
    times = _times(lambda times: any(promise.met_by(figure) for figure, _ in begun(times)))
    return _missing(promise, nearest, counts, times)


def carried(promise: Promise, hits: ArrayLike, alarms: ArrayLike, cases: Curve) -> NDArray[np.float64]:
    """`Promise.carried` of a precision or an NPV for many counts at once."""
    kinds, at, risk = (cases.positive_count, cases.negative_count), promise.prevalence, 1 - promise.confidence
    assert at is not None
    hits, alarms = np.asarray(hits), np.asarray(alarms)
    if promise.figure == "precision":
        return least_share(hits, alarms, of=kinds, prevalence=at, risk=risk)
    return least_share(kinds[1] - alarms, kinds[0] - hits, of=kinds[::-1], prevalence=1 - at, risk=risk)


def unreachable(promise: Promise, counts: Counts) -> Unreachable:
    """Why these counts, the most promising ones, do not do, and how many times as many would."""
    return _missing(promise, promise.carried(counts), counts, times_needed(promise, counts))


def _missing(promise: Promise, nearest: float, counts: Counts, times: float | None) -> Unreachable:
    return Unreachable(
        str(promise),
        reason=f"{counts.positives} positives and {counts.negatives} negatives carry {promise.worded(nearest)}.",
        nearest=nearest,
        missing_positives=None if times is None else math.ceil(counts.positives * (times - 1)),
        missing_negatives=None if times is None else math.ceil(counts.negatives * (times - 1)),
    )


def times_needed(promise: Promise, counts: Counts) -> float | None:
    """How many times as many cases, of the same kind, would carry the promise; None if none would."""
    return _times(lambda times: promise.met_by(promise.carried(counts.grown(times))))


def _times(enough: Callable[[float], bool]) -> float | None:
    """The smallest number of times that is enough, as far as halving finds it; None if even the most are not."""
    if not enough(float(MOST_TIMES)):
        return None
    low, high = 1.0, float(MOST_TIMES)
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
