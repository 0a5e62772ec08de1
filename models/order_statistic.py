"""The threshold that loses at most a share of cases, whatever their scores are distributed like."""

from __future__ import annotations

import math

from models import special


def cases_needed(at_least: float, confidence: float) -> int:
    """The fewest cases on which a share of `at_least` can be certified at all: with no mistake among them.

    >>> cases_needed(0.95, 0.95)
    59
    """
    guess = math.ceil(math.log(1 - confidence) / math.log(at_least))
    # Logarithms may be off by one in the last bit; the exact test decides.
    return next(n for n in range(max(guess - 1, 1), guess + 2) if allowed_mistakes(n, at_least, confidence) is not None)


def allowed_mistakes(cases: int, at_least: float, confidence: float) -> int | None:
    """The most mistakes among cases that still certify: BinCDF(mistakes; cases, 1 - at_least) <= 1 - confidence.

    None if not even none of them does.

    Source: order statistics as tolerance limits, Wilks, Annals of Mathematical Statistics 1941.

    >>> allowed_mistakes(100, 0.95, 0.95)
    1
    """
    risk = 1 - confidence
    low, high = -1, cases
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if special.bdtr(middle, cases, 1 - at_least) <= risk else (low, middle)
    return None if low < 0 else low
