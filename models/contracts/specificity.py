from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from models.contract import OneThreshold, Span, nearby
from models.curve import Curve
from models.errors import Unreachable
from models.intervals import lower_bound
from models.operating_point import Certificate
from models.order_statistic import allowed_mistakes
from models.plan import Expected, Need, order_statistic_needs, smallest
from models.promise import Promise
from models.words import AT_LEAST, share, share_of


class Specificity(OneThreshold):
    """Of the healthy, at least this share is not flagged.

    The mirror of recall: the threshold lies above the (k+1)-th largest negative score, where k, the allowed
    alarms, is the largest number with BinCDF(k; negatives, 1 - at_least) <= 1 - confidence. Higher thresholds
    only raise the specificity.

    Source: order statistics as tolerance limits, Wilks, Annals of Mathematical Statistics 1941.
    """

    pattern: ClassVar[str] = rf"specificity{AT_LEAST}{share('at_least')}"
    best: ClassVar[Literal["low", "high"]] = "low"

    at_least: float = Field(gt=0, lt=1, description="lowest true specificity that is acceptable")

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (Promise(figure="specificity", at_least=self.at_least, confidence=self.confidence),)

    @property
    def words(self) -> str:
        return f"specificity >= {self.at_least!r}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        return cls(at_least=share_of(match, "at_least"), confidence=confidence)

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        del guide, groups  # Order statistics need no guide.
        negatives = certification.negative_count
        alarms = allowed_mistakes(negatives, self.at_least, self.confidence) if negatives else None
        if alarms is None or not certification.positive_count:
            raise self._unreachable(certification)
        # The (k+1)-th largest negative score is cleared; the threshold is settled below the next higher score.
        beyond = np.cumsum(certification.negatives[::-1])
        place = len(beyond) - int(np.searchsorted(beyond, alarms + 1))
        low, high = certification.thresholds[place : place + 1], certification.highest_positive
        if not low or low[0] > high:
            raise self._unreachable(certification)
        certificate = Certificate(
            promise=self.promises[0],
            certified=max(lower_bound(negatives - alarms, negatives, self.confidence), self.at_least),
            positives=certification.positive_count,
            negatives=negatives,
        )
        return Span(float(certification.middles[place]), certification.settled(high), (certificate,))

    def _unreachable(self, certification: Curve) -> Unreachable:
        """If any of the sick is to be flagged, too many of the healthy are: why, and whether more of these would do."""
        (promise,) = self.promises
        counts = certification.at(certification.highest_positive)
        nearest = promise.carried(counts)

        def enough(more: int) -> bool:
            negatives = counts.negatives + more
            alarms = math.ceil(counts.alarms * negatives / counts.negatives) if counts.negatives else 0
            return promise.met_by(lower_bound(negatives - alarms, negatives, self.confidence))

        missing = smallest(enough) if counts.positives else None
        return Unreachable(
            str(promise),
            reason=f"{counts.negatives} negatives carry {promise.worded(nearest)}, if any of the {counts.positives}"
            f" positives is to be flagged.",
            nearest=nearest,
            missing_positives=None if missing is None else 0,
            missing_negatives=missing,
        )

    def region(self, curve: Curve) -> float:
        """Mean recall at the specificities nearby."""
        _, hits, alarms = curve.cumulative
        allowed = np.floor((1 - np.array(nearby(self.at_least))) * curve.negative_count)
        # Alarms fall with the threshold: the lowest threshold with few enough of them.
        places = len(alarms) - np.searchsorted(alarms[::-1], allowed, side="right")
        return float(np.mean(hits[places] / curve.positive_count))

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """With more negatives more alarms may be among them, and more of the sick are found."""
        del expected  # It holds whatever the model.
        return tuple(
            Need(
                promise=str(self.promises[0]),
                positives=0,
                negatives=negatives,
                allowed_alarms=alarms,
                note=f"specificity is then expected to be {(negatives - alarms) / (negatives + 1):.4f}",
            )
            for negatives, alarms in order_statistic_needs(self.at_least, self.confidence)
        )
