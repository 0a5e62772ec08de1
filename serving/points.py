"""Operating points as they are sent."""

from __future__ import annotations

from typing import Self

from pydantic import Field, JsonValue

from models.change_control import ChangeControl
from models.figures import Figures
from models.intervals import Estimate
from models.operating_point import Certificate
from models.turn import Asked, Setting, Turned
from models.value import Value

DECIDED_ON = "SHA-256 of the bundle on which the change was decided; where another one is live, it is refused"


class Promised(Value):
    """A promise that the certification cases carry at the thresholds of the answer."""

    in_words: str
    figure: str
    at_least: float | None
    at_most: float | None
    confidence: float
    prevalence: float | None
    group: str | None
    certified: float = Field(description="the figure is at least, or at most, this with that confidence")
    positives: int = Field(description="positive cases it was certified on")
    negatives: int = Field(description="negative cases it was certified on")

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """A certificate of a manifest."""
        promise = certificate.promise
        return cls(
            in_words=str(promise),
            figure=promise.figure,
            at_least=promise.at_least,
            at_most=promise.at_most,
            confidence=promise.confidence,
            prevalence=promise.prevalence,
            group=promise.group,
            certified=certificate.certified,
            positives=certificate.positives,
            negatives=certificate.negatives,
        )


class AnsweredAt(Value):
    """Where on its curve the model worked, what is promised of it there, and how far its answers can be believed."""

    threshold: float = Field(description="rows whose probability is not below it are positive")
    clear_below: float = Field(description="rows whose probability is below it are negative; between, undecided")
    contract: str | None = Field(description="what was asked for, in words; null for a threshold by hand")
    certificates: tuple[Promised, ...] = Field(description="what is promised here; nothing for a threshold by hand")
    precision: Estimate = Field(description="share of the positive who are sick, at the prevalence of the reply (PPV)")
    npv: Estimate = Field(description="share of the negative who are healthy, at the prevalence of the reply")

    @classmethod
    def of(cls, turned: Turned) -> Self:
        """What a setting means."""
        return cls(
            threshold=turned.threshold,
            clear_below=turned.clear_below,
            contract=turned.contract,
            certificates=tuple(map(Promised.of, turned.certificates)),
            precision=turned.figures.precision,
            npv=turned.figures.npv,
        )


class WorkingPoint(Value):
    """Where on its curve the model works, what is promised of it there, and what was measured."""

    threshold: float = Field(description="rows whose probability is not below it are positive")
    clear_below: float = Field(description="rows whose probability is below it are negative; between, undecided")
    prevalence: float = Field(description="share of sick people at which probabilities and figures are stated")
    contract: str | None = Field(description="what was asked for, in words; null for a threshold by hand")
    certificates: tuple[Promised, ...] = Field(description="what is promised here; nothing for a threshold by hand")
    figures: Figures = Field(description="measured on the certification cases")

    @classmethod
    def of(cls, turned: Turned) -> Self:
        """What a setting means."""
        return cls(
            threshold=turned.threshold,
            clear_below=turned.clear_below,
            prevalence=turned.prevalence,
            contract=turned.contract,
            certificates=tuple(map(Promised.of, turned.certificates)),
            figures=turned.figures,
        )


class Changed(Value):
    """Who turned the live point, when and why."""

    by: str | None = Field(description="null to whom the history is not shown")
    at: str = Field(description="UTC, ISO 8601")
    reason: str | None = Field(description="null to whom the history is not shown")

    def without_names(self) -> Self:
        """The same, but for who it was and why."""
        return self.model_copy(update={"by": None, "reason": None})


class Foreseen(Value):
    """The changes that were foreseen when the model was released."""

    lowest: float
    highest: float
    criteria: tuple[str, ...] = Field(description="contracts, in words, that every change has to keep")
    prevalence_low: float | None
    prevalence_high: float | None

    @classmethod
    def of(cls, control: ChangeControl) -> Self:
        """The change control of a manifest."""
        low, high = control.prevalences or (None, None)
        criteria = tuple(map(str, control.criteria))
        return cls(
            lowest=control.lowest, highest=control.highest, criteria=criteria, prevalence_low=low, prevalence_high=high
        )


class LivePoint(Value):
    """What an endpoint uses now."""

    model: str
    endpoint: str
    bundle: str = Field(description="SHA-256 of the manifest of the bundle")
    version: int = Field(description="0 as released; each change adds one")
    setting: Setting
    turned: WorkingPoint
    changed: Changed | None = Field(description="the last change; null as released")
    change_control: Foreseen | None = Field(description="null: the bundle foresees no change")

    def without_names(self) -> Self:
        """The same, but for who changed it and why."""
        return self.model_copy(update={"changed": self.changed and self.changed.without_names()})


class LivePoints(Value):
    """What every endpoint uses now."""

    models: tuple[LivePoint, ...]


class Preview(Value):
    """What a setting would mean, and whether it may become the live point."""

    turned: WorkingPoint
    allowed: bool
    refused_because: tuple[str, ...]


class Proposal(Value):
    """A change of the live point."""

    operating_point: Asked = Field(None, description="a name, a threshold or a contract; null: as released")
    prevalence: float | None = Field(None, gt=0, lt=1)
    reason: str = Field(min_length=1, max_length=2000, description="why")
    bundle: str | None = Field(None, description=DECIDED_ON)
    version: int = Field(ge=0, description="the live version on which the change was decided")

    @property
    def setting(self) -> Setting:
        """What is asked for."""
        return Setting.told(self.operating_point, self.prevalence)


class RollBack(Value):
    """A return to an earlier version of the live point, as a new change."""

    to: int = Field(ge=0, description="the version whose setting is to hold again; 0 as released")
    reason: str = Field(min_length=1, max_length=2000, description="why")
    bundle: str | None = Field(None, description=DECIDED_ON)
    version: int = Field(ge=0, description="the live version on which the change was decided")


class Recorded(Value):
    """One change of the history."""

    version: int
    setting: JsonValue
    threshold: float
    clear_below: float
    prevalence: float
    in_words: str
    by: str
    at: str
    reason: str
    hash: str


class History(Value):
    """All changes of the live point of a bundle, oldest first."""

    model: str
    bundle: str
    verified: bool = Field(description="whether every change is what was written, in its place")
    problems: tuple[str, ...] = Field(description="what is not")
    changes: tuple[Recorded, ...]
