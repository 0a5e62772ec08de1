"""How many cases a contract needs, before there are any."""

from __future__ import annotations

import math
from collections.abc import Callable

from pydantic import Field, ValidationError

from models import special
from models.curve import Counts
from models.errors import Refusal, shown
from models.promise import Promise
from models.value import Value

# Beyond this, "so many cases" is no plan.
MOST = 100_000_000


class Expected(Value):
    """What is thought of the model and of the cases before they are collected."""

    recall: float | None = Field(None, gt=0, le=1, description="of the model at the operating point")
    specificity: float | None = Field(None, ge=0, le=1, description="of the model at the operating point")
    share: float | None = Field(None, gt=0, lt=1, description="of positives among the cases; else the prevalence named")
    assurance: float = Field(0.8, gt=0, lt=1, description="chance that such cases then carry the promise, at least")


def problems(error: ValidationError) -> list[Refusal]:
    """What is wrong with an expectation."""
    return [
        Refusal(
            ".".join(map(str, detail["loc"])), detail["msg"].replace("Input should", "should"), shown(detail["input"])
        )
        for detail in error.errors(include_url=False)
    ]


class Need(Value):
    """Cases that would do for one promise, and the mistakes that they may hold."""

    promise: str
    positives: int
    negatives: int
    allowed_misses: int | None = Field(None, description="of the positives; None if they do not matter")
    allowed_alarms: int | None = Field(None, description="of the negatives; None if they do not matter")
    note: str = ""


def order_statistic_needs(at_least: float, confidence: float, most: int = 10) -> list[tuple[int, int]]:
    """The fewest cases with 0, 1, 2 ... allowed mistakes: (cases, mistakes).

    The smallest n with BinCDF(mistakes; n, 1 - at_least) <= 1 - confidence.

    >>> order_statistic_needs(0.95, 0.95)[:3]
    [(59, 0), (93, 1), (124, 2)]
    """
    found = []
    for mistakes in range(most + 1):
        low, high = mistakes + 1, mistakes + 2
        while special.bdtr(mistakes, high, 1 - at_least) > 1 - confidence:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (low, middle) if special.bdtr(mistakes, middle, 1 - at_least) <= 1 - confidence else (middle, high)
            )
        found.append((high if special.bdtr(mistakes, low, 1 - at_least) > 1 - confidence else low, mistakes))
    return found


def fewest(promise: Promise, expected: Expected, share: float) -> Need | None:
    """The fewest cases, `share` of them positive, that carry a promise as surely as is asked.

    Both the hits and the alarms come out no worse than reckoned with a chance of the root of the assurance
    each, and so with the assurance together. For what is flagged, more hits are worse; for all else, fewer. None
    if no number of cases would do: the model expected is not good enough.
    """
    each = math.sqrt(expected.assurance)
    recall = 1.0 if expected.recall is None else expected.recall
    alarmed = 0.0 if expected.specificity is None else 1 - expected.specificity

    def likely(positives: int) -> Counts:
        negatives = max(math.ceil(positives * (1 - share) / share), 1)
        few_misses = promise.figure == "flagged"
        misses = positives - _most(positives, recall, each) if few_misses else _most(positives, 1 - recall, each)
        alarms = _most(negatives, alarmed, each)
        return Counts(hits=positives - misses, misses=misses, alarms=alarms, clears=negatives - alarms)

    positives = smallest(lambda count: promise.met_by(promise.carried(likely(count))))
    if positives is None:
        return None
    counts = likely(positives)
    return Need(
        promise=str(promise),
        positives=counts.positives,
        negatives=counts.negatives,
        allowed_misses=None if promise.figure == "flagged" else _spare(counts, promise, "misses"),
        allowed_alarms=_spare(counts, promise, "alarms"),
        note=f"if the model has recall {recall:g} and specificity {1 - alarmed:g} there,"
        f" with a chance of {expected.assurance:g} at least",
    )


def smallest(enough: Callable[[int], bool], *, most: int = MOST) -> int | None:
    """The smallest number that is enough, as far as doubling and halving find it; None if none up to `most` is."""
    high = 1
    while not enough(high):
        high *= 2
        if high > most:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _most(cases: int, rate: float, chance: float) -> int:
    """The mistakes among cases that are not exceeded with this chance at least."""
    if rate <= 0:
        return 0
    low, high = -1, cases
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if special.bdtr(middle, cases, rate) >= chance else (middle, high)
    return high


def _spare(counts: Counts, promise: Promise, kind: str) -> int:
    """The most misses, or alarms, with which these cases still carry the promise, the other kind as reckoned."""
    right = {"misses": "hits", "alarms": "clears"}[kind]
    total = getattr(counts, kind) + getattr(counts, right)
    low, high = getattr(counts, kind), total + 1
    while high - low > 1:
        middle = (low + high) // 2
        with_more = counts.model_copy(update={kind: middle, right: total - middle})
        low, high = (middle, high) if promise.met_by(promise.carried(with_more)) else (low, middle)
    return int(low)
