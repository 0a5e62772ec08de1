from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from models.contract import OneThreshold, Span, not_understood
from models.contracts.cost import Cost
from models.contracts.every_group import RecallInEveryGroup
from models.curve import Curve
from models.errors import Unreachable
from models.fixed_sequence import unreachable
from models.operating_point import Certificate
from models.plan import Expected, Need, smallest
from models.promise import Promise
from models.sharing import Written, in_common, part_in_words, plans, shared, told, unmet
from models.words import parts_of

# Beyond this many times the cases, "bring more" is no longer advice.
MOST_TIMES = 1024


class Several(OneThreshold):
    """All of several promises at one threshold, and then the fewest alarms or the most hits.

    Each part certifies a span of thresholds, the parts sharing the risk equally (Bonferroni); what all spans
    have in common keeps all promises. Where prices fix the threshold, no case chose it, so all else is tested there
    once.
    """

    pattern: ClassVar[str] = (
        r"(?!rule )(?=.+ (?:and|then) )(?P<parts>.+?)"
        r"(?:,? (?:and )?then (?P<then>the fewest alarms|the most hits))?"
    )

    contracts: tuple[Annotated[OneThreshold, Written], ...] = Field(min_length=1)
    then: Literal["the fewest alarms", "the most hits"] = "the fewest alarms"

    @model_validator(mode="after")
    def _one_confidence(self) -> Self:
        for place, part in enumerate(self.contracts):
            if isinstance(part, Several):
                raise ValueError(  # noqa: TRY004  # pydantic reports these
                    f"contracts.{place}: should not itself be several contracts, got {part.words}"
                )
        parts = told({f"contracts.{place}": part for place, part in enumerate(self.contracts)}, self.confidence)
        self.__dict__["contracts"] = tuple(parts.values())  # a frozen value may still complete itself while it is made
        return self

    def held_with(self, confidence: float) -> Self:
        parts = tuple(part.held_with(confidence) for part in self.contracts)
        return self.model_copy(update={"contracts": parts, "confidence": confidence})

    @property
    def parts(self) -> tuple[OneThreshold, ...]:
        """The contracts as each is certified, with its share of the risk."""
        return shared(self.contracts, self.confidence)

    @property
    def promises(self) -> tuple[Promise, ...]:
        return tuple(promise for part in self.parts for promise in part.promises)

    @property
    def words(self) -> str:
        return f"{' and '.join(part.words for part in self.contracts)}, then {self.then}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        parts = parts_of(match["parts"])
        if len(parts) == 1 and not match["then"]:
            raise not_understood(match[0])
        return cls.model_validate(
            {
                "contracts": [part_in_words(text) for text in parts],
                "then": (match["then"] or "the fewest alarms").lower(),
                "confidence": confidence,
            }
        )

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        fixed = {part.fixed(certification) for part in self.parts if isinstance(part, Cost)}
        if fixed:
            return self._at(fixed, certification, groups)
        spans = [part.span(certification, guide=guide, groups=groups) for part in self.parts]
        if (common := in_common(spans)) is None:
            raise self._apart(spans, certification, guide, groups)
        return common

    def _at(self, fixed: set[float], certification: Curve, groups: Mapping[str, Curve]) -> Span:
        """All parts at the threshold that prices fix."""
        if len(fixed) > 1:
            each = " and ".join(f"{threshold:.4g}" for threshold in sorted(fixed, reverse=True))
            raise Unreachable(
                str(self),
                reason=f"The prices of its parts ask for different thresholds, {each}.",
                nearest=max(fixed),
                missing_positives=None,
                missing_negatives=None,
            )
        (threshold,) = fixed
        certificates = []
        for part in self.parts:
            named = part.known(groups) if isinstance(part, RecallInEveryGroup) else part
            for promise in named.promises:
                counts = (certification if promise.group is None else groups[promise.group]).at(threshold)
                carried = promise.carried(counts)
                if not promise.met_by(carried):
                    raise unreachable(promise, counts)
                certificates.append(
                    Certificate(
                        promise=promise, certified=carried, positives=counts.positives, negatives=counts.negatives
                    )
                )
        return Span(threshold, threshold, tuple(certificates))

    def _end(self, span: Span) -> float:
        return span.high if self.then == "the fewest alarms" else span.low

    def _apart(
        self, spans: list[Span], certification: Curve, guide: Curve | None, groups: Mapping[str, Curve]
    ) -> Unreachable:
        """Each part can be kept, but no threshold keeps all: which two part, and how many cases would do."""
        place = min(range(len(spans)), key=lambda place: spans[place].high)
        kept, lowest = self.parts[place], spans[place]
        broken = max(spans, key=lambda span: span.low).certificates[0].promise
        carried = broken.carried(certification.at(lowest.high))

        def enough(times: int) -> bool:
            more, grown = certification.grown(times), {name: curve.grown(times) for name, curve in groups.items()}
            # Of more cases others begin a walk without a guide, which may fail where it passed before.
            with suppress(Unreachable):
                return in_common([part.span(more, guide=guide, groups=grown) for part in self.parts]) is not None
            return False

        times = smallest(enough, most=MOST_TIMES)
        return Unreachable(
            str(self),
            reason=f"Where {kept} is kept, the cases carry {broken.worded(carried)}.",
            nearest=carried,
            missing_positives=None if times is None else certification.positive_count * (times - 1),
            missing_negatives=None if times is None else certification.negative_count * (times - 1),
        )

    def unmet(
        self, curve: Curve, *, threshold: float, clear_below: float, groups: Mapping[str, Curve] | None = None
    ) -> tuple[str, ...]:
        return unmet(self.parts, curve, threshold=threshold, clear_below=clear_below, groups=groups)

    def region(self, curve: Curve) -> float:
        """The mean of the parts' regions."""
        return sum(part.region(curve) for part in self.contracts) / len(self.contracts)

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """What each part needs with its share of the risk; the same cases serve them all."""
        return plans(self.parts, expected)
