from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from models import special
from models.contract import OneThreshold, Span
from models.curve import Curve
from models.errors import Unreachable
from models.fixed_sequence import times_needed
from models.operating_point import Certificate
from models.plan import Expected, Need, fewest, order_statistic_needs
from models.promise import Promise
from models.words import AT_MOST, AT_PREVALENCE, share, share_of


class Capacity(OneThreshold):
    """At most this share of the people is flagged: as many as can be looked at.

    Without a prevalence the people are those that the certification cases were drawn from, and the threshold is
    an order statistic of all of them. With one, the flagged shares of the sick and of the healthy are each
    bounded from above by Clopper-Pearson at half the risk. The share only rises as the threshold falls, so the
    lowest threshold that passes, tried downwards, is certified. Nothing is promised about the sick: as many are
    found as there is room for.

    Source: Angelopoulos et al., "Learn then Test", 2021 (fixed sequence testing); Wilks 1941.
    """

    pattern: ClassVar[str] = (
        rf"flag(?:ged|s)?{AT_MOST}{share('at_most')}(?: people)?(?:{AT_PREVALENCE}{share('prevalence')})?"
    )
    best: ClassVar[Literal["low", "high"]] = "low"

    at_most: float = Field(gt=0, lt=1, description="largest share of the people that may be flagged")
    prevalence: float | None = Field(
        None, gt=0, lt=1, description="share of the sick where the model is used; None: as in the certification cases"
    )

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise(figure="flagged", at_most=self.at_most, confidence=self.confidence, prevalence=self.prevalence),
        )

    @property
    def words(self) -> str:
        where = "" if self.prevalence is None else f" at prevalence {self.prevalence!r}"
        return f"flag at most {self.at_most!r}{where}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        prevalence = share_of(match, "prevalence") if match["prevalence"] else None
        return cls(at_most=share_of(match, "at_most"), prevalence=prevalence, confidence=confidence)

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        del guide, groups  # The order is known without a guide: from the top.
        (promise,) = self.promises
        _, hits, _ = certification.cumulative
        met = self._carried(certification) <= self.at_most
        # Both counts fall with the threshold, and so does what they carry.
        place = int(np.argmax(met)) if met.any() else len(met)
        if place == len(met) or not hits[place]:
            raise self._unreachable(certification)
        certificate = Certificate(
            promise=promise,
            certified=self.at_most,
            positives=certification.positive_count,
            negatives=certification.negative_count,
        )
        highest = certification.settled(certification.highest_positive)
        return Span(float(certification.middles[place]), highest, (certificate,))

    def _carried(self, cases: Curve) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The largest share flagged that cases carry, at each threshold and beyond all."""
        _, hits, alarms = cases.cumulative
        if self.prevalence is None:
            return _upper(hits + alarms, cases.positive_count + cases.negative_count, 1 - self.confidence)
        half = (1 - self.confidence) / 2
        sick = self.prevalence * _upper(hits, cases.positive_count, half)
        return np.asarray(sick + (1 - self.prevalence) * _upper(alarms, cases.negative_count, half))

    def _unreachable(self, certification: Curve) -> Unreachable:
        """Nobody sick could be flagged: why, and whether more cases would do."""
        (promise,) = self.promises
        counts = certification.at(certification.highest_positive)
        nearest = promise.carried(counts)
        times = times_needed(promise, counts) if counts.positives else None
        return Unreachable(
            str(promise),
            reason=f"The fewest that can be flagged, if any of the sick is to be among them, carry"
            f" {promise.worded(nearest)}.",
            nearest=nearest,
            missing_positives=None if times is None else math.ceil(counts.positives * (times - 1)),
            missing_negatives=None if times is None else math.ceil(counts.negatives * (times - 1)),
        )

    def region(self, curve: Curve) -> float:
        """Mean recall where up to twice the asked share is flagged."""
        _, hits, alarms = curve.cumulative
        at = curve.share if self.prevalence is None else self.prevalence
        caught = hits / curve.positive_count
        flagged = at * caught + (1 - at) * alarms / curve.negative_count
        rooms = 2 * self.at_most * np.arange(1, 101) / 100
        return float(np.mean([caught[flagged <= room].max(initial=0.0) for room in rooms]))

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """Cases that allow at least somebody to be flagged, or on which a model as expected is certified."""
        if self.prevalence is not None:
            need = fewest(self.promises[0], expected, expected.share or self.prevalence)
            return () if need is None else (need,)
        share = expected.share
        return tuple(
            Need(
                promise=str(self.promises[0]),
                positives=round(cases * share) if share else 0,
                negatives=cases - round(cases * share) if share else cases,
                note=f"{cases} cases of both kinds, of which {flagged} may be flagged",
            )
            for cases, flagged in order_statistic_needs(1 - self.at_most, self.confidence)
        )


def _upper(
    of: np.ndarray[tuple[int], np.dtype[np.int64]], out_of: int, risk: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """One-sided Clopper-Pearson upper bounds of many counts."""
    return np.where(of == out_of, 1.0, special.betaincinv(of + 1, np.maximum(out_of - of, 1), 1 - risk))
