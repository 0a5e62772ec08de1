"""Intervals of shares: Wilson to report, Clopper-Pearson to promise, never Wald.

Wald intervals cover the truth in 45 to 81 % of cases at 60 positives where 95 % is claimed.

A figure made from two shares (precision, ratios, the share flagged, net benefit) takes the Clopper-Pearson limits
of both and joins them by the method of variance estimates recovery, in closed form. Where 95 % is claimed, logit
intervals of precision and of its counterpart among the cleared held the truth in 85 % of cases in the worst place,
score intervals (Koopman) in 90 and 91 %: counts near zero are where they fall short, and screens live there. These
hold it in 94.9 and 95.1 % there, in 96.4 and 96.7 % in the middle of all places, so they are somewhat wider than
the others where counts are large. `benchmarks/interval_coverage.py` measures it.

Sources: Zou & Donner, Statistics in Medicine 2008 (sums); Donner & Zou, Statistical Methods in Medical Research
2012 and Newcombe, the same 2016 (ratios); Mercaldo, Lau & Zhou, Statistics in Medicine 2007 (the logit interval);
Koopman, Biometrics 1984 (the score interval).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from pydantic import Field

from models import special
from models.value import Value


class Estimate(Value):
    """A measured share with its interval: `of` out of `out_of` cases.

    `value` is None where there was no case to measure it on. `of` and `out_of` are None for a figure made
    from two shares, such as precision at another prevalence.
    """

    value: float | None = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    of: int | None = Field(None, ge=0)
    out_of: int | None = Field(None, ge=0)
    confidence: float = Field(0.95, gt=0, lt=1)

    def __str__(self) -> str:
        if self.value is None:
            return "not measured"
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


class Ratio(Value):
    """A measured ratio of two shares with its interval.

    `value` is None where the lower share is zero or there was nothing to measure; `high` is None where the ratio
    has no upper bound.
    """

    value: float | None = Field(ge=0)
    low: float = Field(ge=0)
    high: float | None = Field(ge=0)
    confidence: float = Field(0.95, gt=0, lt=1)

    def __str__(self) -> str:
        value = "unbounded" if self.value is None else f"{self.value:.4g}"
        return f"{value} [{self.low:.4g}, {'unbounded' if self.high is None else f'{self.high:.4g}'}]"


class Limits(NamedTuple):
    """A share and its two-sided Clopper-Pearson limits."""

    value: float
    low: float
    high: float


def wilson(of: int, out_of: int, confidence: float = 0.95) -> Estimate:
    """Two-sided Wilson score interval of a share.

    Source: Wilson, JASA 1927; Brown, Cai & DasGupta, Statistical Science 2001.

    >>> print(wilson(57, 60))
    0.9500 [0.8630, 0.9829]
    """
    if out_of == 0:
        return Estimate(value=None, low=0.0, high=1.0, of=of, out_of=0, confidence=confidence)
    share, z = of / out_of, float(special.ndtri(0.5 + 0.5 * confidence))
    twice = 2 * (out_of + z**2)
    middle = (2 * out_of * share + z**2) / twice
    reach = z / twice * math.sqrt(4 * out_of * share * (1 - share) + z**2)
    return Estimate(
        value=share,
        low=0.0 if of == 0 else min(max(middle - reach, 0.0), share),
        high=1.0 if of == out_of else max(min(middle + reach, 1.0), share),
        of=of,
        out_of=out_of,
        confidence=confidence,
    )


def lower_bound(of: int, out_of: int, confidence: float) -> float:
    """One-sided Clopper-Pearson lower bound: the true share is below it with chance 1 - confidence at most.

    Source: Clopper & Pearson, Biometrika 1934.

    >>> round(lower_bound(59, 59, 0.95), 4)
    0.9505
    """
    return 0.0 if of == 0 else float(special.betaincinv(of, out_of - of + 1, 1 - confidence))


def upper_bound(of: int, out_of: int, confidence: float) -> float:
    """One-sided Clopper-Pearson upper bound: the true share is above it with chance 1 - confidence at most."""
    return 1.0 if of == out_of else float(special.betaincinv(of + 1, out_of - of, confidence))


def clopper_pearson(of: int, out_of: int, confidence: float = 0.95) -> Limits:
    """A share of at least one case with its two-sided Clopper-Pearson limits.

    >>> [round(number, 4) for number in clopper_pearson(57, 60)]
    [0.95, 0.8608, 0.9896]
    """
    side = (1 + confidence) / 2
    # A limit may miss the share itself by the last bit of a float.
    share = of / out_of
    return Limits(share, min(lower_bound(of, out_of, side), share), max(upper_bound(of, out_of, side), share))


def likelihood_ratio(*, of_sick: int, sick: int, of_healthy: int, healthy: int, confidence: float = 0.95) -> Ratio:
    """How many times as often an answer is given to the sick as to the healthy.

    With those flagged it is the positive likelihood ratio, with those cleared the negative one.

    >>> print(likelihood_ratio(of_sick=90, sick=100, of_healthy=10, healthy=100))
    9 [5.065, 18.39]
    >>> print(likelihood_ratio(of_sick=90, sick=100, of_healthy=0, healthy=100))
    unbounded [24.76, unbounded]
    """
    if sick == 0 or healthy == 0 or of_sick + of_healthy == 0:
        return Ratio(value=None, low=0.0, high=None, confidence=confidence)
    above, below = clopper_pearson(of_sick, sick, confidence), clopper_pearson(of_healthy, healthy, confidence)
    low, high = _quotient(above, below)
    value = above.value / below.value if of_healthy else None
    if value is not None and high is not None:
        low, high = min(low, value), max(high, value)
    return Ratio(value=value, low=low, high=high, confidence=confidence)


def precision_at(
    *, hits: int, positives: int, alarms: int, negatives: int, prevalence: float, confidence: float = 0.95
) -> Estimate:
    """Precision where `prevalence` of the people are sick, from `hits` among positives and false `alarms`.

    It rises with the positive likelihood ratio, whose interval it takes over.
    Raises ValueError unless `prevalence` lies strictly between 0 and 1.

    >>> print(precision_at(hits=90, positives=100, alarms=10, negatives=100, prevalence=0.5))
    0.9000 [0.8351, 0.9484]
    """
    odds = _odds(prevalence)
    if positives == 0 or negatives == 0 or hits + alarms == 0:
        return Estimate(value=None, low=0.0, high=1.0, confidence=confidence)
    ratio = likelihood_ratio(of_sick=hits, sick=positives, of_healthy=alarms, healthy=negatives, confidence=confidence)
    low, value, high = (_share(None if end is None else end * odds) for end in (ratio.low, ratio.value, ratio.high))
    return Estimate(value=value, low=low, high=high, confidence=confidence)


def npv_at(
    *, misses: int, positives: int, clears: int, negatives: int, prevalence: float, confidence: float = 0.95
) -> Estimate:
    """Share of healthy among those cleared where `prevalence` of the people are sick.

    It falls with the negative likelihood ratio, whose interval it takes over.
    Raises ValueError unless `prevalence` lies strictly between 0 and 1.

    >>> print(npv_at(misses=10, positives=100, clears=90, negatives=100, prevalence=0.1))
    0.9878 [0.9785, 0.9940]
    """
    odds = _odds(prevalence)
    if positives == 0 or negatives == 0 or misses + clears == 0:
        return Estimate(value=None, low=0.0, high=1.0, confidence=confidence)
    ratio = likelihood_ratio(
        of_sick=misses, sick=positives, of_healthy=clears, healthy=negatives, confidence=confidence
    )
    high, value, low = (_rest(None if end is None else end * odds) for end in (ratio.low, ratio.value, ratio.high))
    return Estimate(value=value, low=low, high=high, confidence=confidence)


def flagged_share(
    *, hits: int, positives: int, alarms: int, negatives: int, prevalence: float, confidence: float = 0.95
) -> Estimate:
    """Share of people flagged where `prevalence` of them are sick.

    Raises ValueError unless `prevalence` lies strictly between 0 and 1.

    >>> print(flagged_share(hits=90, positives=100, alarms=10, negatives=100, prevalence=0.1))
    0.1800 [0.1335, 0.2488]
    """
    _odds(prevalence)
    if positives == 0 or negatives == 0:
        return Estimate(value=None, low=0.0, high=1.0, confidence=confidence)
    value, low, high = weighted_sum(
        clopper_pearson(hits, positives, confidence),
        clopper_pearson(alarms, negatives, confidence),
        weights=(prevalence, 1 - prevalence),
    )
    return Estimate(value=min(value, 1.0), low=max(low, 0.0), high=min(max(high, value), 1.0), confidence=confidence)


def weighted_sum(first: Limits, second: Limits, *, weights: tuple[float, float]) -> Limits:
    """A weighted sum of two independent shares with its limits; a weight below zero makes it a difference.

    >>> [round(number, 4) for number in weighted_sum(Limits(0.5, 0.4, 0.6), Limits(0.2, 0.1, 0.5), weights=(1, -1))]
    [0.3, -0.0162, 0.4414]
    """
    value, below, above = 0.0, 0.0, 0.0
    for share, weight in zip((first, second), weights, strict=True):
        value += weight * share.value
        down, up = weight * (share.value - share.low), weight * (share.high - share.value)
        below, above = (
            (math.hypot(below, down), math.hypot(above, up))
            if weight >= 0
            else (
                math.hypot(below, up),
                math.hypot(above, down),
            )
        )
    return Limits(value, value - below, value + above)


def _quotient(above: Limits, below: Limits) -> tuple[float, float | None]:
    """Limits of the ratio of two independent shares, not both zero; None where there is no upper one."""
    product = above.value * below.value
    # Both roots in the form that neither divides zero by zero nor subtracts alike numbers.
    first, second = above.low * (2 * above.value - above.low), below.high * (2 * below.value - below.high)
    low = 0.0 if first <= 0 else first / (product + math.sqrt(max(product**2 - first * second, 0.0)))
    first, second = above.high * (2 * above.value - above.high), below.low * (2 * below.value - below.low)
    if second <= 0:
        return low, None
    return low, (product + math.sqrt(max(product**2 - first * second, 0.0))) / second


def _odds(prevalence: float) -> float:
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence: should lie strictly between 0 and 1, got {prevalence}.")
    return prevalence / (1 - prevalence)


def _share(odds: float | None) -> float:
    return 1.0 if odds is None else odds / (1 + odds)


def _rest(odds: float | None) -> float:
    return 0.0 if odds is None else 1 / (1 + odds)
