from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, PlainSerializer, model_validator

from models.contract import Contract, OneThreshold, Span, one_threshold
from models.contracts.several import in_common
from models.curve import Curve
from models.errors import Unreachable
from models.operating_point import Measured, OperatingPoint
from models.plan import Expected, Need
from models.promise import OF_THE_CLEARED, Promise
from models.sharing import shared, told

Written = PlainSerializer(lambda part: part.model_dump(mode="json"))


class RuleInOut(Contract):
    """Two thresholds: from the upper one on the disease is ruled in, below the lower one it is ruled out.

    Between them the model does not decide. `rule_in` is a promise about those flagged (precision, specificity),
    `rule_out` one about those cleared (recall, NPV); both hold together with the confidence asked, at half the
    risk each. Where one threshold keeps both there is no zone.

    Source: the gray zone of Coste & Pouchot, International Journal of Epidemiology 2003.
    """

    pattern: ClassVar[re.Pattern[str]] = re.compile(
        r"rule in (?:with |at )?(?P<rule_in>.+?)(?:,|;| and|, and) rule out (?:with |at )?(?P<rule_out>.+)",
        re.IGNORECASE,
    )

    rule_in: Annotated[OneThreshold, Written] = Field(description="about the flagged: precision or specificity")
    rule_out: Annotated[OneThreshold, Written] = Field(description="about the cleared: recall or NPV")

    @model_validator(mode="after")
    def _sides(self) -> Self:
        for name, part, cleared in (("rule_in", self.rule_in, False), ("rule_out", self.rule_out, True)):
            if any((promise.figure in OF_THE_CLEARED) != cleared for promise in part.promises):
                about = "those cleared: recall or NPV" if cleared else "those flagged: precision or specificity"
                raise ValueError(f"{name}: should promise something about {about}, got {part.words}")
            self.__dict__[name] = told(part, self.confidence, name)  # a value may complete itself while it is made
        return self

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
        parts = {
            # Without their confidence, which is the whole's.
            name: Contract.read(match[name]).model_dump(mode="json", exclude={"confidence"})
            for name in ("rule_in", "rule_out")
        }
        return cls.model_validate({**parts, "confidence": confidence})

    @property
    def needs_guide(self) -> bool:
        return self.rule_in.needs_guide or self.rule_out.needs_guide

    def choose(
        self, certification: Curve, *, guide: Curve, groups: Mapping[str, Curve] | None = None
    ) -> OperatingPoint:
        spans = [part.span(certification, guide=guide, groups=groups or {}) for part in self.parts]
        certificates = tuple(certificate for span in spans for certificate in span.certificates)
        if common := in_common(spans):
            # One threshold does both: the lower, the more of the sick are found.
            return one_threshold(self, certification, common[0], certificates)
        upper, lower = spans
        if lower.high >= upper.low:
            raise self._crossed(upper, lower, certification)
        return OperatingPoint(
            threshold=upper.low,
            clear_below=lower.high,
            certificates=certificates,
            measured=Measured.of(certification, upper.low, prevalence=self.prevalence_named),
            cleared=certification.at(lower.high),
        )

    def unmet(
        self, curve: Curve, *, threshold: float, clear_below: float, groups: Mapping[str, Curve] | None = None
    ) -> tuple[str, ...]:
        return tuple(
            wrong
            for part in self.parts
            for wrong in part.unmet(curve, threshold=threshold, clear_below=clear_below, groups=groups)
        )

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
        return tuple(need for part in self.parts for need in part.plan(expected))
