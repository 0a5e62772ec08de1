"""Reporting guidelines: what each item asks, where the facts answer it, and how many items they fill."""

from __future__ import annotations

from functools import reduce
from typing import Any, Literal

from pydantic import Field

from models.facts.facts import Facts
from models.value import Value

State = Literal["filled", "not filled", "not applicable"]


class Item(Value):
    """One item of a guideline, in our own words."""

    number: str
    asks: str
    answered_by: tuple[str, ...] = Field((), description="paths in the facts, all of which have to say something")
    section: str = Field("", description="of the report, where it is answered")
    otherwise: str = Field("The study does not tell.", description="why it is not filled, where it is not")
    only_if: str = Field("", description="a path in the facts: without it the item does not apply")
    else_not: str = Field("", description="why it then does not apply")
    crossed: str = Field("", description="what the answer is to say besides, where cases that taught are certified on")
    otherwise_crossed: str = Field("", description="what `otherwise` is there; empty if it is the same")


class Guideline(Value):
    """A guideline with all of its items."""

    name: str
    about: str
    source: str
    items: tuple[Item, ...]


class Answer(Value):
    """What became of one item."""

    number: str
    asks: str
    state: State
    where: tuple[str, ...] = Field(description="paths in the facts; empty unless filled")
    section: str
    why: str = Field(description="why it is not filled or does not apply; empty where it is filled")
    remark: str = Field(
        "", description="what is to be known of a filled one besides", exclude_if=lambda remark: not remark
    )


class Answered(Value):
    """A guideline against the facts of one model."""

    name: str
    about: str
    source: str
    filled: int = Field(description="items that the facts answer")
    applicable: int = Field(description="items that apply to this model")
    share: float = Field(description="filled, of those that apply")
    answers: tuple[Answer, ...]


def answered(guideline: Guideline, facts: Facts) -> Answered:
    """Look up every item of a guideline in the facts."""
    answers = tuple(_answer(item, facts) for item in guideline.items)
    filled = sum(answer.state == "filled" for answer in answers)
    applicable = sum(answer.state != "not applicable" for answer in answers)
    return Answered(
        name=guideline.name,
        about=guideline.about,
        source=guideline.source,
        filled=filled,
        applicable=applicable,
        share=filled / applicable,
        answers=answers,
    )


def said(facts: Facts, path: str) -> bool:
    """Whether the facts say anything at a path such as `shown.origin.dates`.

    Raises AttributeError if facts have no such path.
    """
    return bool(reduce(_step, path.split("."), facts))


def _step(value: Any, name: str) -> Any:
    return None if value is None else getattr(value, name)


def _answer(item: Item, facts: Facts) -> Answer:
    if item.only_if and not said(facts, item.only_if):
        state: State = "not applicable"
    elif item.answered_by and all(said(facts, path) for path in item.answered_by):
        state = "filled"
    else:
        state = "not filled"
    filled, crossed = state == "filled", facts.certified_by_crossing is not None
    otherwise = (crossed and item.otherwise_crossed) or item.otherwise
    return Answer(
        number=item.number,
        asks=item.asks,
        state=state,
        where=item.answered_by if filled else (),
        section=item.section if filled else "",
        why={"filled": "", "not filled": otherwise, "not applicable": item.else_not}[state],
        remark=item.crossed if filled and crossed else "",
    )
