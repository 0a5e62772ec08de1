"""What is asked of an operating point."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from models.curve import Curve
from models.errors import BadInput, Refusal, shown
from models.operating_point import Certificate, Measured, OperatingPoint, spoken_of
from models.plan import Expected, Need
from models.promise import Promise
from models.value import Member, members
from models.words import share, share_of

EXAMPLES = "recall >= 0.95; precision >= 0.9 at prevalence 1 %; a miss costs 50 alarms at prevalence 0.2 %"
CONFIDENCE = re.compile(rf"(?P<rest>.+?),?\s+(?:with|at)\s+confidence\s+{share('confidence')}", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """The thresholds from `low` to `high`, each of which keeps a promise, and what is certified for all of them.

    `among` float32 [thresholds], rising, holds those that were tested where that does not speak for those between;
    None where it does.
    """

    low: float
    high: float
    certificates: tuple[Certificate, ...]
    among: NDArray[np.float32] | None = None


class Contract(Member):
    """What is asked of an operating point, with the confidence at which it is to be certified.

    Members answer with an OperatingPoint, or raise Unreachable saying how near the data came and how many
    more cases would do; never a number that means "could not".
    """

    pattern: ClassVar[str]  # how a member is written in words, in large letters or small

    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="chance that a certified threshold really keeps the promise, at least"
    )

    @property
    @abstractmethod
    def promises(self) -> tuple[Promise, ...]:
        """What is promised, once certified."""

    @property
    @abstractmethod
    def words(self) -> str:
        """The contract in words without its confidence, as `read` understands them."""

    def __str__(self) -> str:
        return f"{self.words} with confidence {self.confidence!r}"

    def held_with(self, confidence: float) -> Self:
        """The same contract with another confidence."""
        return self.model_copy(update={"confidence": confidence})

    @property
    def prevalence_named(self) -> float | None:
        """At which the promises are made; None if they do not depend on it."""
        return next((promise.prevalence for promise in self.promises if promise.prevalence is not None), None)

    @abstractmethod
    def choose(
        self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve] | None = None
    ) -> OperatingPoint:
        """The best thresholds whose promises the certification cases carry.

        `guide` comes from other cases (the validation part, or an earlier certification): it may suggest where
        to look, and no guarantee rests on it. Without one, the scores of the certification cases, but not their
        labels, tell where. `groups` holds the certification cases of subgroups, by name.

        Raises Unreachable if no threshold can be certified, BadInput if a subgroup is not known.
        """

    def unmet(
        self, curve: Curve, *, threshold: float, clear_below: float, groups: Mapping[str, Curve] | None = None
    ) -> tuple[str, ...]:
        """What thresholds that were fixed beforehand do not keep on these cases, in words; empty if all is kept."""
        wrong = []
        for promise in self.promises:
            if promise.group is not None and promise.group not in (groups or {}):
                wrong.append(f"{promise}: the bundle holds no cases of {promise.group}")
                continue
            cases = curve if promise.group is None else (groups or {})[promise.group]
            zone = cases.at(clear_below) if clear_below < threshold else None
            carried = promise.carried(spoken_of(promise, cases.at(threshold), zone))
            if not promise.met_by(carried):
                wrong.append(f"{promise}: the cases carry {promise.worded(carried)}")
        return tuple(wrong)

    @abstractmethod
    def region(self, curve: Curve) -> float:
        """How well a model does near this contract, from 0 to 1: the figure by which training stops.

        It is the mean over promises from as far below the asked one as that is below 1, so that it moves even
        where the contract itself is met by jumps. Nothing is certified by it.
        """

    @abstractmethod
    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """How many cases the contract needs, before there are any; nothing if no number would do."""

    @classmethod
    @abstractmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        """The contract that `pattern` matched."""

    @staticmethod
    def read(text: str) -> Contract:
        """The contract that a text asks for; `str` of a contract is such a text.

        Raises BadInput if it is none, or one that can not be.

        >>> from models.contracts.recall import Recall
        >>> Contract.read("recall of at least 98 % with confidence 0.9")
        Recall(confidence=0.9, at_least=0.98)
        """
        found = CONFIDENCE.fullmatch(text.strip())
        plain = found["rest"] if found else text.strip()
        for member in members(Contract):  # type: ignore[type-abstract]  # the family is asked for its members
            match = re.fullmatch(member.pattern, plain, re.IGNORECASE)
            if match:
                try:
                    return member.from_words(match, share_of(found, "confidence") if found else 0.95)
                except ValidationError as error:
                    raise BadInput(_refusals(error, text)) from None
        raise not_understood(text)


def _refusals(error: ValidationError, text: str) -> list[Refusal]:
    """What is wrong with the contract of a text; rules of our own say themselves what they got."""
    found = []
    for detail in error.errors(include_url=False):
        rule, _, got = detail["msg"].removeprefix("Value error, ").rpartition(", got ")
        path = ".".join(["operating_point", *map(str, detail["loc"])])
        found.append(Refusal(path, rule or got.replace("Input should", "should"), got if rule else shown(text)))
    return found


def not_understood(text: str) -> BadInput:
    """That a text is no contract."""
    return BadInput([Refusal("operating_point", f"should be a contract in words ({EXAMPLES})", shown(text))])


class OneThreshold(Contract):
    """A contract that any threshold of a span keeps, one end of which is the best."""

    best: ClassVar[Literal["low", "high"]]

    @abstractmethod
    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        """All thresholds whose promise the certification cases carry; what is passed is told by `choose`.

        Raises Unreachable if no threshold can be certified, BadInput if a subgroup is not known.
        """

    def choose(
        self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve] | None = None
    ) -> OperatingPoint:
        span = self.span(certification, guide=guide, groups=groups or {})
        return one_threshold(self, certification, self._end(span), span.certificates)

    def _end(self, span: Span) -> float:
        return span.low if self.best == "low" else span.high


def one_threshold(
    contract: Contract, certification: Curve, threshold: float, certificates: tuple[Certificate, ...]
) -> OperatingPoint:
    """An operating point without a zone in which the model does not decide."""
    return OperatingPoint(
        threshold=threshold,
        clear_below=threshold,
        certificates=certificates,
        measured=Measured.of(certification, threshold, prevalence=contract.prevalence_named),
    )


NEARBY = 100


def nearby(at_least: float) -> list[float]:
    """Promises around `at_least`, as far below it as it is below 1.

    >>> [round(promise, 3) for promise in (nearby(0.9)[0], nearby(0.9)[-1])]
    [0.8, 0.998]
    """
    low = max(2 * at_least - 1, 0.0)
    return [low + (1 - low) * step / NEARBY for step in range(NEARBY)]
