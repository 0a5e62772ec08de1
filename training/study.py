"""A study: one frozen value that says everything about how its models are made."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import torch
from pydantic import Field, ValidationError, field_validator, model_validator

import models.contracts
import training.studies
from models.background import Background
from models.errors import BadStudy
from models.grouping import Grouping
from models.manifest import Symptom, Target, check_symptoms, free_name
from models.schema import Schema
from models.value import Value, load_members
from training.answer import Answer
from training.answers.number import Number
from training.model import Alternative, Beside, Budget, Model, Name
from training.net import EMBEDDING, IMAGE, INPUTS, NUMBERS
from training.network import Network
from training.reference import Reference
from training.sampling import Sampling
from training.source import Source
from training.split import Split
from training.term import WEIGHTS, Term

__all__ = [
    "Alternative",
    "Beside",
    "Budget",
    "Model",
    "Outcome",
    "Study",
    "SymptomLabel",
    "find_study",
    "in_words",
    "shipped",
]

load_members(models.contracts)
for family in ("answers", "encoders", "losses", "networks", "numbers", "references", "sources", "weighings"):
    load_members(importlib.import_module(f"training.{family}"))


MEANINGS = {
    INPUTS: "the encoded columns, [rows, width]",
    NUMBERS: "the columns, measured numbers embedded, [rows, width]",
    IMAGE: "what the image encoder makes of the photograph, [rows, width]",
    EMBEDDING: "what all heads see, [rows, width]",
}


class Outcome(Value):
    """What is screened for, and where the table says who has it."""

    name: Name
    column: str = Field(description="of the table")
    positive: str = Field(description="the cell of a positive, as text; every other cell is negative")
    meaning: str = ""


class SymptomLabel(Value):
    """A further label of the table that the embedding should keep; empty cells are not learnt from."""

    name: Name
    column: str
    meaning: str = ""
    unit: str = ""
    answer: Answer = Number()


class Study(Value):
    """Data, schema and split, shared by the models that are made from them."""

    name: Name
    source: Source
    columns: Schema
    outcome: Outcome
    symptoms: tuple[SymptomLabel, ...] = ()
    groupings: tuple[Grouping, ...] = Field((), description="subgroups for whom figures are stated too")
    split: Split
    models: tuple[Model, ...] = Field(min_length=1)
    background: Background = Field(Background(), description="what only people can tell, for the report")
    seed: int = 0

    @field_validator("models")
    @classmethod
    def _distinct(cls, made: tuple[Model, ...]) -> tuple[Model, ...]:
        names = [model.name for model in made]
        if len(set(names)) < len(names):
            raise ValueError(f"every model needs its own name, got {', '.join(names)}")
        return made

    @model_validator(mode="after")
    def _heads(self) -> Self:
        """Every head has a name of its own, which neither the network nor the graph uses for something else."""
        if len(set(self.heads)) < len(self.heads):
            raise ValueError(f"outcome and symptoms need a name each, got {', '.join(self.heads)}")
        for at, model in self._networks():
            taken = {WEIGHTS, *model.network.tap_names()}
            if clash := sorted(taken & set(self.heads)):
                raise ValueError(f"{at}.network: has a tap {clash[0]}, so no head should be called that")
        for place, symptom in enumerate(self.symptoms):
            try:
                free_name(symptom.name)
            except ValueError as error:
                raise ValueError(f"symptoms.{place}.name: {error}") from None
        check_symptoms(self.columns, self.symptom_heads)
        return self

    @model_validator(mode="after")
    def _seen(self) -> Self:
        """A photograph is looked at if there is one, and only then."""
        for at, model in self._networks():
            if (model.network.image is None) != (self.columns.image is None):
                there = "a photograph in columns.image" if self.columns.image else "none in columns.image"
                raise ValueError(
                    f"{at}.network.image: should be an image encoder if there is a photograph,"
                    f" and None if not, got {there}"
                )
        return self

    @model_validator(mode="after")
    def _taps(self) -> Self:
        """Every term names things that are there, and something pulls on the outcome's head."""
        for owner, model in self._networks():
            taps = self.taps(model)
            for place, term in enumerate(model.terms):
                at = f"{owner}.terms.{place}"
                if term.on not in taps:
                    raise ValueError(f"{at}.on: should be one of {', '.join(taps)}, got {term.on}")
                _fits(term, at, self.widths.get(term.on))
                told = term.against == self.outcome.name == term.on
                if told and (term.by.output, term.by.target) != ("logit", "binary"):
                    raise ValueError(
                        f"{at}.by: a loss that judges the outcome by its labels should say output = 'logit' and"
                        f" target = 'binary', got {type(term.by).__name__} with {term.by.output!r} and"
                        f" {term.by.target!r}"
                    )
            if not any(_judges(term, self.outcome.name) for term in model.terms):
                raise ValueError(f"{owner}.terms: none pulls {self.outcome.name} towards its labels")
        return self

    @model_validator(mode="after")
    def _blind(self) -> Self:
        """Where copies of a network must not see some rows, nothing tells them of these by another way."""
        if self.split.copies == 1:
            return self
        if self.columns.image is not None:
            raise ValueError("split: photographs can not be cross-fitted: each copy would carry an encoder of its own")
        for at, model in self._networks():
            if model.budget.schedule == "halve":
                raise ValueError(
                    f"{at}.budget.schedule: should be 'cosine' or 'whole' where every row teaches and none is left to"
                    f" stop by, got {model.budget.schedule!r}"
                )
            if model.budget.schedule == "whole" and not _linear(model.network):
                raise ValueError(
                    f"{at}.budget.schedule: 'whole' takes steps that all copies share: it should be for linear"
                    f" networks, which end where each would alone, got {type(model.network).__name__}"
                )
            if type(model.sampling).more is not Sampling.more:
                kind = type(model.sampling).__name__
                raise ValueError(f"{at}.sampling: {kind} makes cases of rows that some copies must not see")
            if model.weighing.build(1) is not None:
                kind = type(model.weighing).__name__
                raise ValueError(
                    f"{at}.weighing: {kind} learns from all rows, and would tell copies of those they must not see"
                )
            for place, term in enumerate(model.terms):
                if isinstance(term.against, Reference) and term.against.learns:
                    raise ValueError(
                        f"{at}.terms.{place}.against: a teacher that learns from all rows would tell copies of those"
                        " that they must not see"
                    )
        return self

    def _networks(self) -> Iterator[tuple[str, Model]]:
        """Every network of every model, as a model of its own, by its path."""
        for model in self.models:
            own, *others = model.kinds
            yield f"models.{model.name}", own
            yield from ((f"models.{model.name}.beside.{place}", other) for place, other in enumerate(others))

    def taps(self, model: Model) -> dict[str, str]:
        """What a term of this model may sit on, and what that is: weights, embeddings, heads."""
        names = model.network.tap_names()
        found = {WEIGHTS: "all weights that multiply something"}
        found |= {f"{WEIGHTS}.{name}": f"those of {name}" for name in (*names[1:-1], *self.heads)}
        found |= {name: MEANINGS.get(name, "what a layer comes to, [rows, width]") for name in names}
        for head, answer in self.answers.items():
            shape = "[rows]" if answer.width == 1 else f"[rows, {answer.width}]"
            kind = "logit" if head == self.outcome.name else f"{answer.scale} head"
            found[head] = f"{kind}, {shape}"
        return found

    @property
    def answers(self) -> dict[str, Answer]:
        """In which form each head answers; the outcome's is the logit itself."""
        return {self.outcome.name: Number(), **{symptom.name: symptom.answer for symptom in self.symptoms}}

    @property
    def widths(self) -> dict[str, int]:
        """How many numbers a row each head gives."""
        return {head: answer.width for head, answer in self.answers.items()}

    @property
    def heads(self) -> tuple[str, ...]:
        """The outcome first, then the symptoms."""
        return (self.outcome.name, *(symptom.name for symptom in self.symptoms))

    @property
    def target(self) -> Target:
        """The outcome as a manifest names it."""
        return Target(name=self.outcome.name, meaning=self.outcome.meaning)

    @property
    def symptom_heads(self) -> tuple[Symptom, ...]:
        """The symptoms as a manifest names them."""
        return tuple(
            Symptom(
                name=label.name,
                meaning=label.meaning,
                unit=label.unit,
                scale=label.answer.scale,
                highest=label.answer.highest,
            )
            for label in self.symptoms
        )


def _linear(network: Network) -> bool:
    """Whether a network has no layers, and learns nothing of how numbers are embedded."""
    if network.numbers is None:
        return not network.layers(1)
    embedding = network.numbers.build(torch.arange(4.0).unsqueeze(1), [0])
    return not network.layers(1) and not any(True for _ in embedding.parameters())


def _judges(term: Term, outcome: str) -> bool:
    """Whether a term teaches the outcome: by its labels, or by what another model says of it."""
    return term.on == outcome and term.weight > 0 and (term.against == outcome or isinstance(term.against, Reference))


def _fits(term: Term, at: str, width: int | None) -> None:
    """Try a term on two rows: what it compares must be of shapes that belong together.

    `width` is how many numbers a row its head gives; None if it is on an embedding or on weights.
    """
    shape = (2, 3) if width is None else (2, width) if width > 1 else (2,)
    target = torch.zeros((2, 3) if term.by.target == "embedding" else 2)
    if term.by.output == "logit" and width is None:
        raise ValueError(f"{at}.by: {type(term.by).__name__} should be on a head, got {term.on}")
    given = torch.zeros(6) if term.on_weights else torch.zeros(shape)
    try:
        values = term.by(given, None if term.against is None else target)
        if values.shape[:1] != given.shape[:1]:
            wanted = f"one value a row, {tuple(given.shape[:1])}"
            raise ValueError(f"{type(term.by).__name__} should return {wanted}, got {tuple(values.shape)}")  # noqa: TRY301  # named by its path below
    except ValueError as error:
        raise ValueError(f"{at}: {error}".removesuffix(".")) from None


def shipped() -> tuple[str, ...]:
    """The names of the studies that come with Fulcrum."""
    folder = Path(training.studies.__path__[0])
    return tuple(sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__"))


def find_study(name: str) -> Study:
    """A shipped study by its name, or the `study` of a Python file by its path.

    Raises BadStudy if there is none, or if it can not be read.
    """
    path = Path(name) if name.endswith(".py") else Path(training.studies.__path__[0]) / f"{name}.py"
    if not path.is_file():
        raise BadStudy(f"{name}: should be one of {', '.join(shipped())}, or the path of a study file.")
    spec = importlib.util.spec_from_file_location(f"fulcrum_study_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ValidationError as error:
        raise BadStudy(f"{path}: {in_words(error)}") from None
    except (ImportError, NameError, SyntaxError, TypeError) as error:
        raise BadStudy(f"{path}: should be a Python file that runs, got {type(error).__name__}: {error}.") from None
    study = getattr(module, "study", None)
    if not isinstance(study, Study):
        raise BadStudy(f"{path}: should define `study`, a Study, got {type(study).__name__}.")
    return _read_back(study, path)


def _read_back(study: Study, path: Path) -> Study:
    """The study checked once more, whole: copies with other fields are not, where they are made.

    Raises BadStudy if a value is refused, or if the study would be read back from a manifest as another one.
    """
    try:
        again = Study.model_validate(study.model_dump())
    except ValidationError as error:
        raise BadStudy(f"{path}: {in_words(error)}") from None
    if again != study:
        raise BadStudy(f"{path}: should be read back as it is written; is a class called like another of its family?")
    return again


def in_words(error: ValidationError) -> str:
    """The first thing a value refused, by its path."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(step) for step in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{error.title}{'.' if path else ''}{path}: {message}."
