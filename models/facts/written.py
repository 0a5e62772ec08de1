"""Numbers as a report writes them, for people: percent with as many digits as tell a share from 0 and from 1."""

from __future__ import annotations

import math

from models.intervals import Estimate, Ratio

NOT_MEASURED = "not measured"
MOST = 9  # decimals of a percentage that mean anything


def percent(share: float | None) -> str:
    """A share in percent; near 0 and near 100 with two digits of what is left.

    >>> [percent(share) for share in (0.5, 0.99951, 0.00012, 1.0)]
    ['50.0 %', '99.951 %', '0.012 %', '100 %']
    """
    return NOT_MEASURED if share is None else f"{_bare(share, _decimals(share))} %"


def estimate(found: Estimate) -> tuple[str, str]:
    """A measured share and its interval, in percent, all with the same number of digits.

    >>> estimate(Estimate(value=0.9908, low=0.989, high=0.9922))
    ('99.08 %', '[98.90, 99.22]')
    """
    if found.value is None:
        return NOT_MEASURED, ""
    digits = max(map(_decimals, (found.value, found.low, found.high)))
    # A narrow interval needs more digits to be seen as one.
    while found.low < found.high and digits < MOST and _bare(found.low, digits) == _bare(found.high, digits):
        digits += 1
    low, high = (_bare(end, digits) for end in (found.low, found.high))
    return f"{_bare(found.value, digits)} %", f"[{low}, {high}]"


def per_1000(found: Estimate) -> tuple[str, str]:
    """A measured share as people of 1,000, and its interval."""
    if found.value is None:
        return NOT_MEASURED, ""
    return people(1000 * found.value), f"[{people(1000 * found.low)}, {people(1000 * found.high)}]"


def ratio(found: Ratio) -> tuple[str, str]:
    """A ratio and its interval."""
    high = "unbounded" if found.high is None else f"{found.high:.3g}"
    if found.value is None:
        return ("unbounded" if found.low else NOT_MEASURED), f"[{found.low:.3g}, {high}]"
    return f"{found.value:.3g}", f"[{found.low:.3g}, {high}]"


def people(number: float | None) -> str:
    """How many people: whole ones from 10 on, below that with a digit of the fraction, below 1 with two.

    >>> [people(number) for number in (583.2, 4.71, 0.042, 0.0, None)]
    ['583', '4.7', '0.042', '0', 'not measured']
    """
    if number is None:
        return NOT_MEASURED
    if number == 0 or number >= 9.95:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 0.95 else f"{number:.2g}"


def number(value: float | None, digits: int = 3) -> str:
    """A figure without a unit, with a true minus sign."""
    return "not measurable" if value is None else f"{value:.{digits}f}".replace("-", "\u2212")


def both(parts: tuple[str, str]) -> str:
    """A figure and its interval in one line."""
    return " ".join(filter(None, parts))


def _decimals(share: float) -> int:
    """So many that two digits tell it from the nearer end."""
    near = round(100 * min(share, 1 - share), 12)  # 1 - 0.99999 is a little less than 0.00001
    return min(max(1, 1 - math.floor(math.log10(near))), MOST) if near > 0 else 0


def _bare(share: float, decimals: int) -> str:
    return f"{100 * share:.{0 if share in {0, 1} else decimals}f}"
