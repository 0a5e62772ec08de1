from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from models.contract import Contract, OneThreshold, Span, one_threshold
from models.curve import Curve
from models.errors import Unreachable
from models.operating_point import Measured, OperatingPoint
from models.plan import Expected, Need
from models.promise import OF_THE_CLEARED, Figure, Promise
from models.sharing import Written, in_common, part_in_words, plans, shared, told, unmet

FLAGGED: frozenset[Figure] = frozenset({"precision", "specificity", "flagged"})
ABOUT = {
    "rule_in": (FLAGGED, "those flagged: precision, specificity or how many they are"),
    "rule_out": (OF_THE_CLEARED, "those cleared: recall or NPV"),
}


class RuleInOut(Contract):
    """Two thresholds: from the upper one on the disease is ruled in, below the lower one it is ruled out.

    Between them the model does not decide. `rule_in` is a promise about those flagged (precision, specificity),
    `rule_out` one about those cleared (recall, NPV); both hold together with the confidence asked, at half the
    risk each. Where one threshold keeps both there is no zone.

    Source: the gray zone of Coste & Pouchot, International Journal of Epidemiology 2003.
    """

    pattern: ClassVar[str] = (
        r"rule in (?:with |at )?(?P<rule_in>.+?)(?:,|;| and|, and) rule out (?:with |at )?(?P<rule_out>.+)"
    )

    rule_in: Annotated[OneThreshold, Written] = Field(description="about the flagged: precision or specificity")
    rule_out: Annotated[OneThreshold, Written] = Field(description="about the cleared: recall or NPV")

    @model_validator(mode="after")
    def _sides(self) -> Self:
        sides = {"rule_in": self.rule_in, "rule_out": self.rule_out}
        for name, (figures, about) in ABOUT.items():
            if any(promise.figure not in figures for promise in sides[name].promises):
                raise ValueError(f"{name}: should promise something about {about}, got {sides[name].words}")
        self.__dict__.update(told(sides, self.confidence))  # a frozen value may still complete itself while it is made
        return self

    def held_with(self, confidence: float) -> Self:
        sides = {"rule_in": self.rule_in.held_with(confidence), "rule_out": self.rule_out.held_with(confidence)}
        return self.model_copy(update={**sides, "confidence": confidence})

    @property
    def parts(self) -> tuple[OneThreshold, OneThreshold]:
        """The two as each is certified, with its share of the risk."""
        rule_in, rule_out = shared((self.rule_in, self.rule_out), self.confidence)
        return rule_in, rule_out

    @property
    def promises(self) -> tuple[Promise, ...]:
        return tuple(promise for part in self.parts for promise in part.promises)

    @property
    def words(self) -> str:
        return f"rule in with {self.rule_in.words}, rule out with {self.rule_out.words}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        parts = {name: part_in_words(match[name]) for name in ABOUT}
        return cls.model_validate({**parts, "confidence": confidence})

    def choose(
        self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve] | None = None
    ) -> OperatingPoint:
        spans = [part.span(certification, guide=guide, groups=groups or {}) for part in self.parts]
        if common := in_common(spans):
            # One threshold does both: the lower, the more of the sick are found.
            return one_threshold(self, certification, common.low, common.certificates)
        upper, lower = spans
        if lower.high >= upper.low:
            raise self._crossed(upper, lower, certification)
        return OperatingPoint(
            threshold=upper.low,
            clear_below=lower.high,
            certificates=(*upper.certificates, *lower.certificates),
            measured=Measured.of(certification, upper.low, prevalence=self.prevalence_named),
            cleared=certification.at(lower.high),
        )

    def unmet(
        self, curve: Curve, *, threshold: float, clear_below: float, groups: Mapping[str, Curve] | None = None
    ) -> tuple[str, ...]:
        return unmet(self.parts, curve, threshold=threshold, clear_below=clear_below, groups=groups)

    def _crossed(self, upper: Span, lower: Span, certification: Curve) -> Unreachable:
        """Each can be kept, but only where those cleared would lie above those flagged."""
        promise = lower.certificates[0].promise
        nearest = promise.carried(certification.at(upper.high))
        return Unreachable(
            str(self),
            reason=f"Where {upper.certificates[0].promise} is kept, the cases carry {promise.worded(nearest)}.",
            nearest=nearest,
            missing_positives=None,
            missing_negatives=None,
        )

    def region(self, curve: Curve) -> float:
        """The mean of the two regions."""
        return (self.rule_in.region(curve) + self.rule_out.region(curve)) / 2

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """What each side needs with its share of the risk; the same cases serve both."""
        return plans(self.parts, expected)
