"""Intervals of shares: Wilson to report, Clopper-Pearson to promise, never Wald.

Wald intervals cover the truth in 45 to 81 % of cases at 60 positives where 95 % is claimed.
"""

from __future__ import annotations

import math

from pydantic import Field
from scipy import stats

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


def wilson(of: int, out_of: int, confidence: float = 0.95) -> Estimate:
    """Two-sided Wilson score interval of a share.

    Source: Wilson, JASA 1927; Brown, Cai & DasGupta, Statistical Science 2001.

    >>> print(wilson(57, 60))
    0.9500 [0.8630, 0.9829]
    """
    if out_of == 0:
        return Estimate(value=None, low=0.0, high=1.0, of=of, out_of=0, confidence=confidence)
    found = stats.binomtest(of, out_of).proportion_ci(confidence, method="wilson")
    return Estimate(
        value=of / out_of,
        low=min(max(float(found.low), 0.0), of / out_of),
        high=max(min(float(found.high), 1.0), of / out_of),
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
    return 0.0 if of == 0 else float(stats.beta.ppf(1 - confidence, of, out_of - of + 1))


def upper_bound(of: int, out_of: int, confidence: float) -> float:
    """One-sided Clopper-Pearson upper bound: the true share is above it with chance 1 - confidence at most."""
    return 1.0 if of == out_of else float(stats.beta.ppf(confidence, of + 1, out_of - of))


def precision_at(
    *, hits: int, positives: int, alarms: int, negatives: int, prevalence: float, confidence: float = 0.95
) -> Estimate:
    """Precision where `prevalence` of the people are sick, from `hits` among positives and false `alarms`.

    The interval is taken on the logit, with half a case added to every cell where one is empty.

    Source: Mercaldo, Lau & Zhou, Statistics in Medicine 2007.

    >>> print(precision_at(hits=90, positives=100, alarms=10, negatives=100, prevalence=0.5))
    0.9000 [0.8328, 0.9421]
    """
    if positives == 0 or negatives == 0 or hits + alarms == 0:
        return Estimate(value=None, low=0.0, high=1.0, confidence=confidence)
    odds = prevalence / (1 - prevalence)
    caught, alarmed = hits / positives, alarms / negatives
    value = 1.0 if alarms == 0 else caught * odds / (caught * odds + alarmed)
    half = 0.5 if 0 in {hits, alarms, positives - hits, negatives - alarms} else 0.0
    caught, alarmed = (hits + half) / (positives + 2 * half), (alarms + half) / (negatives + 2 * half)
    middle = math.log(caught / alarmed * odds)
    spread = math.sqrt(
        (1 - caught) / caught / (positives + 2 * half) + (1 - alarmed) / alarmed / (negatives + 2 * half)
    )
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * spread
    return Estimate(
        value=value,
        low=min(value, _share(middle - reach)),
        high=max(value, _share(middle + reach)),
        confidence=confidence,
    )


def _share(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
