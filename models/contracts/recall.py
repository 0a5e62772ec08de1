from __future__ import annotations

import math

import numpy as np
from pydantic import Field
from scipy import stats

from models.contract import Contract, nearby
from models.curve import Curve
from models.errors import Unreachable
from models.intervals import Estimate, lower_bound, wilson
from models.operating_point import Measured, OperatingPoint, Promise


class Recall(Contract):
    """Of the sick, at least this share is flagged.

    The threshold is the (k+1)-th smallest positive score, where k, the allowed misses, is the largest number
    with BinCDF(k; positives, 1 - at_least) <= 1 - confidence. Whatever the distribution of the scores, the
    true recall is then below `at_least` with chance 1 - confidence at most; ties only raise it.

    Source: order statistics as tolerance limits, Wilks, Annals of Mathematical Statistics 1941.

    >>> Recall(at_least=0.95).positives_needed
    59
    >>> Recall(at_least=0.95).allowed_misses(100)
    1
    """

    at_least: float = Field(gt=0, lt=1, description="lowest true recall that is acceptable")

    @property
    def promise(self) -> Promise:
        return Promise(figure="recall", at_least=self.at_least, confidence=self.confidence)

    @property
    def positives_needed(self) -> int:
        """The fewest positives on which any threshold can be certified: all of them are then flagged."""
        guess = math.ceil(math.log(1 - self.confidence) / math.log(self.at_least))
        # Logarithms may be off by one in the last bit; the exact test decides.
        return next(n for n in range(max(guess - 1, 1), guess + 2) if self.allowed_misses(n) is not None)

    def allowed_misses(self, positives: int) -> int | None:
        """The most misses among `positives` that still certify; None if not even none of them does."""
        risk = 1 - self.confidence
        misses = int(stats.binom.ppf(risk, positives, 1 - self.at_least))
        while misses >= 0 and stats.binom.cdf(misses, positives, 1 - self.at_least) > risk:
            misses -= 1
        return None if misses < 0 else misses

    def choose(self, certification: Curve, *, guide: Curve) -> OperatingPoint:
        del guide  # Order statistics need no guide.
        positives = certification.positive_count
        misses = self.allowed_misses(positives) if positives else None
        if misses is None:
            raise Unreachable(
                str(self.promise),
                reason=f"{positives} positives carry recall {lower_bound(positives, positives, self.confidence):.4f}"
                " at most, even if all are flagged.",
                nearest=lower_bound(positives, positives, self.confidence),
                missing_positives=self.positives_needed - positives,
                missing_negatives=0,
            )
        passed = np.cumsum(certification.positives)
        score = certification.thresholds[int(np.searchsorted(passed, misses + 1))]
        threshold = certification.settled(score)
        measured = Measured.of(certification, threshold)
        return OperatingPoint(
            threshold=threshold,
            promise=self.promise,
            # Of the ordered scores, not of the misses seen: ties may leave fewer, which proves nothing more.
            certified=lower_bound(positives - misses, positives, self.confidence),
            positives=positives,
            negatives=certification.negative_count,
            measured=measured,
        )

    def measure(self, curve: Curve, threshold: float) -> Estimate:
        counts = curve.at(threshold)
        return wilson(counts.hits, counts.positives)

    def region(self, curve: Curve) -> float:
        """Mean specificity at the recalls nearby: a partial area under the ROC curve."""
        _, hits, alarms = curve.cumulative
        wanted = np.ceil(np.array(nearby(self.at_least)) * curve.positive_count)
        # Hits fall with the threshold: the highest threshold that still has enough of them.
        places = len(hits) - 1 - np.searchsorted(hits[::-1], wanted)
        return float(np.mean(1 - alarms[places] / curve.negative_count))
