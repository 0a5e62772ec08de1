from __future__ import annotations

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
from models.order_statistic import allowed_mistakes, cases_needed
from models.plan import Expected, Need, order_statistic_needs
from models.promise import Promise
from models.words import AT_LEAST, share, share_of


class Recall(OneThreshold):
    """Of the sick, at least this share is flagged.

    The threshold is the (k+1)-th smallest positive score, where k, the allowed misses, is the largest number
    with BinCDF(k; positives, 1 - at_least) <= 1 - confidence. Whatever the distribution of the scores, the
    true recall is then below `at_least` with chance 1 - confidence at most; ties and lower thresholds only raise it.

    Source: order statistics as tolerance limits, Wilks, Annals of Mathematical Statistics 1941.

    >>> Recall(at_least=0.95).positives_needed
    59
    >>> Recall(at_least=0.95).allowed_misses(100)
    1
    """

    pattern: ClassVar[str] = rf"(?:recall|sensitivity){AT_LEAST}{share('at_least')}"
    best: ClassVar[Literal["low", "high"]] = "high"

    at_least: float = Field(gt=0, lt=1, description="lowest true recall that is acceptable")

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (Promise(figure="recall", at_least=self.at_least, confidence=self.confidence),)

    @property
    def words(self) -> str:
        return f"recall >= {self.at_least!r}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        return cls(at_least=share_of(match, "at_least"), confidence=confidence)

    @property
    def positives_needed(self) -> int:
        """The fewest positives on which any threshold can be certified: all of them are then flagged."""
        return cases_needed(self.at_least, self.confidence)

    def allowed_misses(self, positives: int) -> int | None:
        """The most misses among `positives` that still certify; None if not even none of them does."""
        return allowed_mistakes(positives, self.at_least, self.confidence)

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        del guide, groups  # Order statistics need no guide.
        positives = certification.positive_count
        misses = self.allowed_misses(positives) if positives else None
        if misses is None:
            carried = lower_bound(positives, positives, self.confidence)
            raise Unreachable(
                str(self.promises[0]),
                reason=f"{positives} positives carry recall {carried:.4f} at most, even if all are flagged.",
                nearest=carried,
                missing_positives=self.positives_needed - positives,
                missing_negatives=0,
            )
        missed = np.searchsorted(np.cumsum(certification.positives), misses + 1)
        certificate = Certificate(
            promise=self.promises[0],
            # Of the ordered scores, not of the misses seen: ties may leave fewer, which proves nothing more.
            certified=max(lower_bound(positives - misses, positives, self.confidence), self.at_least),
            positives=positives,
            negatives=certification.negative_count,
        )
        return Span(0.0, float(certification.middles[missed]), (certificate,))

    def region(self, curve: Curve) -> float:
        """Mean specificity at the recalls nearby: a partial area under the ROC curve."""
        _, hits, alarms = curve.cumulative
        wanted = np.ceil(np.array(nearby(self.at_least)) * curve.positive_count)
        # Hits fall with the threshold: the highest threshold that still has enough of them.
        places = len(hits) - 1 - np.searchsorted(hits[::-1], wanted)
        return float(np.mean(1 - alarms[places] / curve.negative_count))

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """With more positives more of them may be missed, and the healthy are alarmed less."""
        del expected  # It holds whatever the model.
        return tuple(
            Need(
                promise=str(self.promises[0]),
                positives=positives,
                negatives=0,
                allowed_misses=misses,
                note=f"recall is then expected to be {(positives - misses) / (positives + 1):.4f}",
            )
            for positives, misses in order_statistic_needs(self.at_least, self.confidence)
        )
