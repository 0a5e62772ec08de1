"""The answers of one model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Never, Self

from pydantic import Field, model_validator

from fulcrum.client.points import AnsweredAt
from fulcrum.client.told import Told

Decision = Literal["positive", "negative", "indeterminate"]
# What `positive` says beside each decision.
POSITIVE: Mapping[str, bool | None] = {"positive": True, "negative": False, "indeterminate": None}


def check_decided(decisions: Iterable[object], positive: Iterable[object]) -> None:
    """Raises ValueError unless both say the same of everybody: who reads one of them may not be told otherwise."""
    for decision, flagged in zip(decisions, positive, strict=True):
        if not isinstance(decision, str) or decision not in POSITIVE or POSITIVE[decision] is not flagged:
            raise ValueError(f"should say the same twice, got {decision} with positive {flagged}")


class Undecidable(Told):
    """What has no truth value: `if answer` would take whoever is undecided for somebody negative, or the reverse."""

    def __bool__(self) -> Never:
        raise TypeError(
            f"{type(self).__name__} is neither true nor false, for a model may leave a person undecided:"
            " look at `decision`, or compare `positive` with True, False and None."
        )


class Answer(Undecidable):
    """The answer to one row; `positive` is None where the model does not decide.

    >>> answer = Answer(positive=None, decision="indeterminate", probability=0.4)
    >>> answer.decision
    'indeterminate'
    >>> "sick" if answer else "healthy"
    Traceback (most recent call last):
    TypeError: Answer is neither true nor false, for a model may leave a person undecided: ...
    """

    positive: bool | None
    decision: Decision
    probability: float = Field(ge=0, le=1)
    symptoms: Mapping[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_the_same_twice(self) -> Self:
        check_decided([self.decision], [self.positive])
        return self


class AnswerColumns(Undecidable):
    """The answers by column: the same place of every column is the same person."""

    positive: tuple[bool | None, ...]
    decision: tuple[Decision, ...]
    probability: tuple[float, ...]
    symptoms: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _of_the_same_people(self) -> Self:
        for values in (self.positive, self.probability, *self.symptoms.values()):
            check_count(len(values), len(self.decision))
        check_decided(self.decision, self.positive)
        check_probabilities(self.probability)
        return self


class About(Told):
    """What stands beside the answers of a model: who answered, and where on its curve.

    `version` is that of the live point, None where the request asked for its own; `bundle` is the SHA-256 of its
    manifest; `prevalence` the share of sick people at which probabilities are stated.
    """

    id: str
    model: str
    bundle: str
    version: int | None
    prevalence: float
    operating_point: AnsweredAt


class Reply(About):
    """One answer a row, in the order of the request, and what stands behind them."""

    rows: tuple[Answer, ...]


class ColumnsReply(About):
    """One column of answers a kind, in the order of the request, and what stands behind them."""

    columns: AnswerColumns


def check_count(got: int, asked: int) -> None:
    """Raises ValueError unless everybody is answered: an answer that is missing would move those after it."""
    if got != asked:
        raise ValueError(f"should hold {asked} answers, got {got}")


def check_probabilities(values: Iterable[object]) -> None:
    """Raises ValueError if one is no probability, NaN among them."""
    for value in values:
        if not isinstance(value, float) or not 0 <= value <= 1:
            raise ValueError(f"should be a probability, got {value}")
