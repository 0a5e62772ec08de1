"""Everything that is measured at an operating point, made from counts alone."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from models.curve import Counts
from models.intervals import Estimate, Ratio, flagged_share, likelihood_ratio, npv_at, precision_at, wilson
from models.value import Value


class PerThousand(Value):
    """What becomes of 1,000 people at the prevalence of the figures; the six add up to 1,000.

    Each is None where there was no case of its kind to measure it on.
    """

    sick_found: float | None = Field(ge=0)
    sick_missed: float | None = Field(ge=0)
    sick_indeterminate: float | None = Field(ge=0)
    alarmed_in_vain: float | None = Field(ge=0)
    healthy_indeterminate: float | None = Field(ge=0)
    cleared: float | None = Field(ge=0, description="healthy people who are told so")


class Figures(Value):
    """What was measured at an operating point, stated where `prevalence` of the people are sick.

    With a zone between, the indeterminate are neither flagged nor cleared: they count as found by nobody, in
    recall and in specificity alike. The ranges give both figures with them counted as negative, then as positive.
    Precision, the share flagged and the positive likelihood ratio are of those flagged; the negative predictive
    value and the negative likelihood ratio are of those cleared. Intervals take the prevalence as known.

    Source: STARD 2015 (indeterminate results, both ways); Vickers & Elkin, Medical Decision Making 2006 (net
    benefit); `models/intervals.py` for the intervals.
    """

    prevalence: float = Field(gt=0, lt=1)
    counts: Counts = Field(description="at the threshold at and above which people are flagged")
    indeterminate_sick: int = Field(ge=0, description="between the two thresholds; 0 without a zone between")
    indeterminate_healthy: int = Field(ge=0)
    indeterminate_sick_share: Estimate = Field(description="of all the sick")
    indeterminate_healthy_share: Estimate = Field(description="of all the healthy")
    recall: Estimate = Field(description="flagged, of all the sick")
    specificity: Estimate = Field(description="cleared, of all the healthy")
    recall_range: tuple[Estimate, Estimate] = Field(description="indeterminate as negative, as positive")
    specificity_range: tuple[Estimate, Estimate] = Field(description="indeterminate as negative, as positive")
    precision: Estimate
    npv: Estimate
    flagged: Estimate
    likelihood_ratio_positive: Ratio
    likelihood_ratio_negative: Ratio
    net_benefit: float | None = Field(
        description="true positives a person, less false ones at the threshold's odds; None without a threshold below 1"
    )
    per_1000: PerThousand

    @classmethod
    def of(
        cls, counts: Counts, *, prevalence: float, below: Counts | None = None, threshold: float | None = None
    ) -> Self:
        """Measure `counts` at the threshold, with `below` those at the threshold below which people are cleared.

        Without `below` there is no zone between. `threshold` is the probability, at `prevalence`, from which on
        people are flagged: net benefit alone needs it.

        Raises ValueError unless `prevalence` lies strictly between 0 and 1, if `threshold` is no probability, or if
        `below` is not of the same cases at a lower or equal threshold.

        >>> counts = Counts(hits=90, misses=10, alarms=50, clears=950)
        >>> print(Figures.of(counts, prevalence=0.01).precision)
        0.1538 [0.1204, 0.1965]
        """
        below = counts if below is None else below
        sick, healthy = counts.positives, counts.negatives
        _check_nested(counts, below)
        recall, specificity = wilson(counts.hits, sick), wilson(below.clears, healthy)
        flags = {"hits": counts.hits, "positives": sick, "alarms": counts.alarms, "negatives": healthy}
        between_sick, between_healthy = below.hits - counts.hits, below.alarms - counts.alarms
        return cls(
            prevalence=prevalence,
            counts=counts,
            indeterminate_sick=between_sick,
            indeterminate_healthy=between_healthy,
            indeterminate_sick_share=wilson(between_sick, sick),
            indeterminate_healthy_share=wilson(between_healthy, healthy),
            recall=recall,
            specificity=specificity,
            recall_range=(recall, wilson(below.hits, sick)),
            specificity_range=(wilson(counts.clears, healthy), specificity),
            precision=precision_at(**flags, prevalence=prevalence),
            npv=npv_at(
                misses=below.misses, positives=sick, clears=below.clears, negatives=healthy, prevalence=prevalence
            ),
            flagged=flagged_share(**flags, prevalence=prevalence),
            likelihood_ratio_positive=likelihood_ratio(
                of_sick=counts.hits, sick=sick, of_healthy=counts.alarms, healthy=healthy
            ),
            likelihood_ratio_negative=likelihood_ratio(
                of_sick=below.misses, sick=sick, of_healthy=below.clears, healthy=healthy
            ),
            net_benefit=_net_benefit(counts, prevalence, threshold),
            per_1000=_per_1000(counts, below, prevalence),
        )


def _check_nested(counts: Counts, below: Counts) -> None:
    same = (counts.positives, counts.negatives) == (below.positives, below.negatives)
    if not same or below.hits < counts.hits or below.alarms < counts.alarms:
        raise ValueError(f"below: should be of the same cases, with no fewer flagged, got {below!r} below {counts!r}.")


def _net_benefit(counts: Counts, prevalence: float, threshold: float | None) -> float | None:
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(f"threshold: should be a probability, got {threshold}.")
    if threshold is None or threshold == 1 or not counts.positives or not counts.negatives:
        return None
    found = prevalence * counts.hits / counts.positives
    return found - (1 - prevalence) * counts.alarms / counts.negatives * threshold / (1 - threshold)


def _per_1000(counts: Counts, below: Counts, prevalence: float) -> PerThousand:
    def of(number: int, cases: int, share: float) -> float | None:
        return 1000 * share * number / cases if cases else None

    sick, healthy, rest = counts.positives, counts.negatives, 1 - prevalence
    return PerThousand(
        sick_found=of(counts.hits, sick, prevalence),
        sick_missed=of(below.misses, sick, prevalence),
        sick_indeterminate=of(below.hits - counts.hits, sick, prevalence),
        alarmed_in_vain=of(counts.alarms, healthy, rest),
        healthy_indeterminate=of(below.alarms - counts.alarms, healthy, rest),
        cleared=of(below.clears, healthy, rest),
    )
