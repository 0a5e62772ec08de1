from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import stats

from models.contract import Contract, nearby
from models.curve import Counts, Curve
from models.errors import Unreachable
from models.intervals import Estimate, lower_bound, upper_bound
from models.operating_point import Measured, OperatingPoint, Promise

# Beyond this many times the cases, "bring more" is no longer advice.
MOST_TIMES = 1000


class Precision(Contract):
    """Of the flagged, at least this share is sick, where `prevalence` of the people are.

    Precision moves with prevalence, so the contract names it: what is certified is that TPR / FPR is at least
    p(1 - prevalence) / ((1 - p) prevalence), with TPR bounded from below and FPR from above by Clopper-Pearson
    at half the risk each. Thresholds are tried in an order fixed before the certification cases are seen: from
    the guide's surest threshold downwards, towards more alarms and more hits, until the first that fails.
    Among several true promises tested so, any false one is certified with chance 1 - confidence at most.

    Source: Angelopoulos et al., "Learn then Test", 2021 (fixed sequence testing); Clopper & Pearson 1934.
    """

    at_least: float = Field(gt=0, lt=1, description="lowest true precision that is acceptable")
    prevalence: float = Field(gt=0, lt=1, description="share of the sick where the model is used")

    @property
    def promise(self) -> Promise:
        return Promise(
            figure="precision", at_least=self.at_least, confidence=self.confidence, prevalence=self.prevalence
        )

    def choose(self, certification: Curve, *, guide: Curve) -> OperatingPoint:
        passed: tuple[float, Counts] | None = None
        for threshold in self._grid(guide):
            counts = certification.at(threshold)
            if self.bound(counts) < self.at_least:
                break
            passed = threshold, counts
        if passed is None:
            raise self._unreachable(counts)
        threshold, counts = passed
        return OperatingPoint(
            threshold=threshold,
            promise=self.promise,
            certified=self.bound(counts),
            positives=counts.positives,
            negatives=counts.negatives,
            measured=Measured.of(certification, threshold, prevalence=self.prevalence),
        )

    def bound(self, counts: Counts) -> float:
        """The precision that these counts carry with the asked confidence, at the named prevalence."""
        half = 1 - (1 - self.confidence) / 2
        return self._precision(
            lower_bound(counts.hits, counts.positives, half),
            upper_bound(counts.alarms, counts.negatives, half),
        )

    def measure(self, curve: Curve, threshold: float) -> Estimate:
        return curve.at(threshold).precision_at(self.prevalence)

    def region(self, curve: Curve) -> float:
        """Mean recall at the precisions nearby, at the named prevalence."""
        _, hits, alarms = curve.cumulative
        caught, alarmed = hits[:-1] / curve.positive_count, alarms[:-1] / curve.negative_count
        sick = self.prevalence * caught
        precision = sick / np.maximum(sick + (1 - self.prevalence) * alarmed, np.finfo(float).tiny)
        return float(np.mean([caught[precision >= least].max(initial=0.0) for least in nearby(self.at_least)]))

    def _precision(self, caught: float, alarmed: float) -> float:
        sick, healthy = self.prevalence * caught, (1 - self.prevalence) * alarmed
        return sick / (sick + healthy) if sick else 0.0

    def _grid(self, guide: Curve) -> Iterator[float]:
        """Thresholds in the order of testing: the guide's surest first, then each lower one."""
        scores = np.array(guide.thresholds)[::-1]
        sure = self._bounds(np.cumsum(guide.positives[::-1]), np.cumsum(guide.negatives[::-1]), guide)
        start = int(np.argmax(sure))
        return (guide.settled(float(score)) for score in scores[start:])

    def _bounds(self, hits: NDArray[np.int64], alarms: NDArray[np.int64], guide: Curve) -> NDArray[np.float64]:
        """`bound` for many counts of the guide at once."""
        risk = (1 - self.confidence) / 2
        positives, negatives = guide.positive_count, guide.negative_count
        if not positives or not negatives:
            raise ValueError(
                f"The guide should hold both kinds of cases, got {positives} positives, {negatives} negatives."
            )
        with np.errstate(invalid="ignore"):
            caught = np.where(hits == 0, 0.0, stats.beta.ppf(risk, hits, positives - hits + 1))
            alarmed = np.where(alarms == negatives, 1.0, stats.beta.ppf(1 - risk, alarms + 1, negatives - alarms))
        sick, healthy = self.prevalence * caught, (1 - self.prevalence) * alarmed
        return np.asarray(sick / (sick + healthy))

    def _unreachable(self, counts: Counts) -> Unreachable:
        nearest = self.bound(counts)
        times = self._times(counts)
        return Unreachable(
            str(self.promise),
            reason=f"{counts.positives} positives and {counts.negatives} negatives"
            f" carry precision {nearest:.4f} at most.",
            nearest=nearest,
            missing_positives=None if times is None else math.ceil(counts.positives * (times - 1)),
            missing_negatives=None if times is None else math.ceil(counts.negatives * (times - 1)),
        )

    def _times(self, counts: Counts) -> float | None:
        """How many times as many cases, of the same kind, would carry the promise; None if none would."""

        def carried(times: float) -> bool:
            grown = Counts(
                hits=math.floor(counts.hits * times),
                misses=math.ceil(counts.misses * times),
                alarms=math.ceil(counts.alarms * times),
                clears=math.floor(counts.clears * times),
            )
            return self.bound(grown) >= self.at_least

        if not carried(MOST_TIMES):
            return None
        low, high = 1.0, float(MOST_TIMES)
        while high / low > 1.001:
            middle = math.sqrt(low * high)
            low, high = (low, middle) if carried(middle) else (middle, high)
        return high
