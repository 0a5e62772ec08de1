"""The answers of both models, one after the other."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from fulcrum.client.answers import Answer, Undecidable
from fulcrum.client.figures import Estimate
from fulcrum.client.points import AnsweredAt
from fulcrum.client.told import Told


class Cases(Told):
    """So many sick and so many healthy people."""

    sick: int
    healthy: int


class Answered(Told):
    """What became of some cases; the first three are everybody."""

    cleared: Cases
    referred: Cases
    operated: Cases
    overruled: Cases


class PerThousandPeople(Told):
    """How many of 1,000 people, with an interval."""

    value: float
    low: float
    high: float
    confidence: float = 0.95


class Multiplied(Told):
    """What two models would do that err independently, only to be compared with what was measured."""

    net_sensitivity: float
    net_specificity: float
    ppv: float | None
    operated_per_1000: float


class PathwayFigures(Told):
    """What both models together do, counted on the same people, stated where `prevalence` of them are sick."""

    prevalence: float
    answered: Answered
    net_sensitivity: Estimate
    not_cleared: Estimate
    net_specificity: Estimate
    ppv: Estimate
    npv: Estimate
    second_step_per_1000: PerThousandPeople
    referred_per_1000: PerThousandPeople
    operated_per_1000: PerThousandPeople
    missed_per_1000: PerThousandPeople
    multiplied: Multiplied


class Step(Told):
    """Which model answered, and where on its curve it worked."""

    model: str
    bundle: str
    version: int
    prevalence: float
    operating_point: AnsweredAt


class PathwayAnswer(Undecidable):
    """The answer to one row: cleared by the screen, else operated if the pre-surgical model is sure, else referred."""

    answer: Literal["clear", "refer", "operate"]
    screen: Answer
    presurgical: Answer

    @model_validator(mode="after")
    def _clears_the_negative_alone(self) -> Self:
        if (self.answer == "clear") != (self.screen.decision == "negative"):
            raise ValueError(f"answer: should be clear for a negative screen alone, got {self.answer}")
        return self


class PathwayReply(Told):
    """One of three answers a row, in the order of the request; `measured` is None without joint evidence."""

    id: str
    screen: Step
    presurgical: Step
    measured: PathwayFigures | None
    rows: tuple[PathwayAnswer, ...]
