from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from models.contract import OneThreshold, Span
from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import BadInput, Refusal, Unreachable
from models.plan import Expected, Need
from models.promise import Promise
from models.words import AT_LEAST, QUOTED, listed, names_of, share, share_of


class RecallInEveryGroup(OneThreshold):
    """Of the sick of every named subgroup, at least this share is flagged.

    A group is `column=value`, or `column` for all its values. Each group has its own order statistic and the
    lowest of them is the threshold. It breaks the promise only if that of the group with the lowest scores is too
    high, so the groups share one risk and each may take all of it (an intersection-union test).

    Source: Berger, Technometrics 1982; Wilks, Annals of Mathematical Statistics 1941.
    """

    pattern: ClassVar[str] = (
        rf"(?:recall|sensitivity){AT_LEAST}{share('at_least')} in every (?:group of )?"
        rf"(?P<groups>(?:{QUOTED}|(?! and |,? then )[^;\"])+)"
    )
    best: ClassVar[Literal["low", "high"]] = "high"

    at_least: float = Field(gt=0, lt=1, description="lowest true recall that is acceptable in any group")
    groups: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1, description="column or column=value")

    @property
    def promises(self) -> tuple[Promise, ...]:
        """One a named group; of a whole column, what is promised shows once its values are known."""
        return tuple(self._promise(name) for name in self.groups)

    @property
    def words(self) -> str:
        return f"recall >= {self.at_least!r} in every {listed(self.groups)}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        groups = names_of(match["groups"])
        return cls(at_least=share_of(match, "at_least"), groups=groups, confidence=confidence)

    def named(self, known: Mapping[str, Curve]) -> tuple[str, ...]:
        """The groups that are meant, of those that are known.

        Raises BadInput naming a group that is not.
        """
        found: list[str] = []
        for place, name in enumerate(self.groups):
            meant = _meant(name, known)
            if not meant:
                known_names = ", ".join(known) or "none"
                raise BadInput([Refusal(f"groups.{place}", f"should be a known subgroup ({known_names})", name)])
            found += [group for group in meant if group not in found]
        return tuple(found)

    def known(self, groups: Mapping[str, Curve]) -> Self:
        """The contract with each of its groups by its own name.

        Raises BadInput naming a group that is not known.
        """
        return self.model_copy(update={"groups": self.named(groups)})

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        del certification
        plain = Recall(at_least=self.at_least, confidence=self.confidence)
        high, certificates = 1.0, []
        for name in self.named(groups):
            try:
                span = plain.span(groups[name], guide=guide, groups={})
            except Unreachable as error:
                raise Unreachable(
                    str(self._promise(name)),
                    reason=f"In {name}, {error.reason}",
                    nearest=error.nearest,
                    missing_positives=error.missing_positives,
                    missing_negatives=error.missing_negatives,
                ) from None
            high = min(high, span.high)
            (certificate,) = span.certificates
            certificates.append(certificate.model_copy(update={"promise": self._promise(name)}))
        return Span(0.0, high, tuple(certificates))

    def unmet(
        self, curve: Curve, *, threshold: float, clear_below: float, groups: Mapping[str, Curve] | None = None
    ) -> tuple[str, ...]:
        # Of a name that is not known the promise says so itself.
        meant = [group for name in self.groups for group in _meant(name, groups or {}) or [name]]
        named = self.model_copy(update={"groups": tuple(dict.fromkeys(meant))})
        return super(RecallInEveryGroup, named).unmet(
            curve, threshold=threshold, clear_below=clear_below, groups=groups
        )

    def region(self, curve: Curve) -> float:
        """As for the recall of all: training sees no subgroups."""
        return Recall(at_least=self.at_least, confidence=self.confidence).region(curve)

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """What each group needs for itself."""
        plain = Recall(at_least=self.at_least, confidence=self.confidence).plan(expected)
        return tuple(
            need.model_copy(update={"promise": str(self._promise(name))}) for name in self.groups for need in plain
        )

    def _promise(self, group: str) -> Promise:
        return Promise(figure="recall", at_least=self.at_least, confidence=self.confidence, group=group)


def _meant(name: str, known: Mapping[str, Curve]) -> list[str]:
    """The known groups of one name, `column=value` or `column`."""
    return [group for group in known if group == name or group.partition("=")[0] == name]
