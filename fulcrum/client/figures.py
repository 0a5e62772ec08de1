"""Measured figures with their intervals, as a service tells them."""

from __future__ import annotations

from fulcrum.client.told import Told


class Estimate(Told):
    """A measured share with its interval, `of` out of `out_of` cases; `value` is None where there was no case.

    `of` and `out_of` are None for a figure made from two shares, such as precision at another prevalence.
    """

    value: float | None
    low: float
    high: float
    of: int | None = None
    out_of: int | None = None
    confidence: float = 0.95


class Ratio(Told):
    """A measured ratio of two shares with its interval; `high` is None where it has no upper bound."""

    value: float | None
    low: float
    high: float | None
    confidence: float = 0.95


class Counts(Told):
    """The four counts at one threshold."""

    hits: int
    misses: int
    alarms: int
    clears: int


class PerThousand(Told):
    """What becomes of 1,000 people; each is None where there was no case of its kind to measure it on."""

    sick_found: float | None
    sick_missed: float | None
    sick_indeterminate: float | None
    alarmed_in_vain: float | None
    healthy_indeterminate: float | None
    cleared: float | None


class Figures(Told):
    """What was measured at an operating point, stated where `prevalence` of the people are sick."""

    prevalence: float
    counts: Counts
    indeterminate_sick: int
    indeterminate_healthy: int
    indeterminate_sick_share: Estimate
    indeterminate_healthy_share: Estimate
    recall: Estimate
    specificity: Estimate
    recall_range: tuple[Estimate, Estimate]
    specificity_range: tuple[Estimate, Estimate]
    precision: Estimate
    npv: Estimate
    flagged: Estimate
    likelihood_ratio_positive: Ratio
    likelihood_ratio_negative: Ratio
    net_benefit: float | None
    per_1000: PerThousand
