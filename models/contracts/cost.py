from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from models import special
from models.calibration import shift
from models.contract import OneThreshold, Span
from models.costs import Costs
from models.curve import Curve
from models.fixed_sequence import unreachable
from models.operating_point import Certificate
from models.plan import Expected, Need, fewest
from models.promise import Promise
from models.words import AT_MOST, AT_PREVALENCE, NUMBER, number_of, share, share_of


class Cost(OneThreshold):
    """The cheapest answers, where a miss and a false alarm have prices and `prevalence` of the people are sick.

    The threshold follows from the prices alone: a calibrated probability of false_alarm / (false_alarm + miss).
    Since no case chose it, the certification cases test it once: the price of the mistakes a person is at most
    `at_most`, by default what the cheaper of flagging everybody and flagging nobody costs. A model that does
    not beat both is refused. Both rates are bounded by Clopper-Pearson at half the risk each.

    Source: Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001; Vickers & Elkin, Medical Decision
    Making 2006 (the two trivial answers).
    """

    pattern: ClassVar[str] = (
        rf"(?:a )?miss costs (?:as much as )?(?P<miss>{NUMBER})"
        rf"(?: (?:false )?alarms?|, (?:a false|an) alarm (?P<alarm>{NUMBER})){AT_PREVALENCE}{share('prevalence')}"
        rf"(?:,? costing{AT_MOST}(?P<at_most>{NUMBER}))?"
    )
    best: ClassVar[Literal["low", "high"]] = "low"

    costs: Costs
    prevalence: float = Field(gt=0, lt=1, description="share of the sick where the model is used")
    at_most: float | None = Field(
        None, gt=0, description="price of the mistakes a person; None: what the cheaper trivial answer costs"
    )

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise(
                figure="cost",
                at_most=self.trivial if self.at_most is None else self.at_most,
                confidence=self.confidence,
                prevalence=self.prevalence,
                costs=self.costs,
            ),
        )

    @property
    def trivial(self) -> float:
        """What the mistakes of the cheaper of flagging everybody and flagging nobody cost a person."""
        return min(self.costs.miss * self.prevalence, self.costs.false_alarm * (1 - self.prevalence))

    @property
    def words(self) -> str:
        most = "" if self.at_most is None else f", costing at most {self.at_most!r}"
        alarm = " alarms" if self.costs.false_alarm == 1 else f", an alarm {self.costs.false_alarm!r},"
        return f"a miss costs {self.costs.miss!r}{alarm} at prevalence {self.prevalence!r}{most}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        return cls(
            costs=Costs(
                miss=number_of(match, "miss"), false_alarm=number_of(match, "alarm") if match["alarm"] else 1.0
            ),
            prevalence=share_of(match, "prevalence"),
            at_most=number_of(match, "at_most") if match["at_most"] else None,
            confidence=confidence,
        )

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        """The one threshold that the prices ask for.

        Raises ValueError if the curve does not tell at which prevalence its probabilities are stated.
        """
        del guide, groups
        (promise,) = self.promises
        threshold = self.fixed(certification)
        counts = certification.at(threshold)
        carried = promise.carried(counts)
        if not promise.met_by(carried):
            raise unreachable(promise, counts)
        certificate = Certificate(
            promise=promise, certified=carried, positives=counts.positives, negatives=counts.negatives
        )
        return Span(threshold, threshold, (certificate,))

    def fixed(self, curve: Curve) -> float:
        """The threshold that the prices ask for, whatever the cases are, on the scale of the curve.

        Raises ValueError if the curve does not tell at which prevalence its probabilities are stated.
        """
        if curve.prevalence is None:
            raise ValueError("The curve should tell at which prevalence its probabilities are stated.")
        moved = shift([special.logit(self.costs.threshold)], prevalence=self.prevalence, to=curve.prevalence)
        return float(np.float32(special.expit(moved[0])))

    def region(self, curve: Curve) -> float:
        """The share of the cheaper trivial answer's price that is saved, for prices from half to twice the asked."""
        _, hits, alarms = curve.cumulative
        missed = self.prevalence * (1 - hits / curve.positive_count)
        alarmed = (1 - self.prevalence) * alarms / curve.negative_count
        saved = []
        for factor in np.geomspace(0.5, 2, 21):
            price = self.costs.miss / self.costs.false_alarm * factor
            least = float((price * missed + alarmed).min())
            saved.append(1 - least / min(price * self.prevalence, 1 - self.prevalence))
        return float(np.mean(saved))

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """The fewest cases on which a model as expected is shown to be cheap enough."""
        need = fewest(self.promises[0], expected, expected.share or self.prevalence)
        return () if need is None else (need,)
