"""A study: one frozen value that says everything about how its models are made."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator, model_validator

import models.contracts
import training.losses
import training.networks
import training.sources
import training.studies
from models.background import Background
from models.change_control import ChangeControl
from models.contract import Contract
from models.errors import BadInput, BadStudy
from models.grouping import Grouping
from models.manifest import Symptom, Target, check_symptoms, free_name
from models.schema import Schema
from models.table import encode_table
from models.value import Value, load_members
from training.network import EMBEDDING, INPUTS, Network
from training.sampling import Plain, Sampling
from training.source import Source
from training.split import Split
from training.term import WEIGHTS, Term

for family in (models.contracts, training.losses, training.networks, training.sources):
    load_members(family)

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


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


class Budget(Value):
    """How long training may take, and when it is done."""

    epochs: int = Field(300, ge=1, description="at most")
    batch: int = Field(1024, ge=1, description="rows a step")
    learning_rate: float = Field(0.01, gt=0, description="at the start; halved whenever progress stops")
    patience: int = Field(8, ge=1, description="epochs without progress before the rate is halved")
    halvings: int = Field(5, ge=0, description="of the learning rate; without progress after the last it is done")


class Alternative(Value):
    """A further operating point of a model, with a name by which callers ask for it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    contract: Contract


class Model(Value):
    """One model of a study: its network, what pulls on it, and what is asked of its operating point."""

    name: Name
    purpose: str
    network: Network
    terms: tuple[Term, ...] = Field(min_length=1)
    sampling: Sampling = Plain()
    emptied: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="share of the cells that may be empty to empty in training, so that empty is learnt as unknown",
    )
    contract: Contract
    alternatives: tuple[Alternative, ...] = Field((), description="further points that the bundle carries by name")
    change_control: ChangeControl | None = Field(
        None, description="changes of the point that are foreseen after release; None: none is"
    )
    budget: Budget = Budget()


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
        for model in self.models:
            taken = {WEIGHTS, INPUTS, EMBEDDING, *(name for name, _, _ in model.network.layers(1))}
            if clash := sorted(taken & set(self.heads)):
                raise ValueError(f"models.{model.name}.network: has a tap {clash[0]}, so no head should be called that")
        for place, symptom in enumerate(self.symptoms):
            try:
                free_name(symptom.name)
            except ValueError as error:
                raise ValueError(f"symptoms.{place}.name: {error}") from None
        check_symptoms(self.columns, self.symptom_heads)
        return self

    @model_validator(mode="after")
    def _taps(self) -> Self:
        """Every term names things that are there, and something pulls on the outcome's head."""
        for model in self.models:
            layers = [name for name, _, _ in model.network.layers(1)]
            taps = [WEIGHTS, INPUTS, *layers, EMBEDDING, *self.heads]
            for place, term in enumerate(model.terms):
                at = f"models.{model.name}.terms.{place}"
                if term.on not in taps:
                    raise ValueError(f"{at}.on: should be one of {', '.join(taps)}, got {term.on}")
                if term.against is not None and term.against not in self.heads:
                    raise ValueError(f"{at}.against: should be one of {', '.join(self.heads)}, got {term.against}")
                _fits(term, at, one_number_a_row=term.on in self.heads)
            if not any(term.on == self.outcome.name and term.against == self.outcome.name for term in model.terms):
                raise ValueError(f"models.{model.name}.terms: none pulls {self.outcome.name} towards its labels")
        return self

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
        return tuple(Symptom(name=label.name, meaning=label.meaning, unit=label.unit) for label in self.symptoms)


def _fits(term: Term, at: str, *, one_number_a_row: bool) -> None:
    """Try a term on two rows: what it compares must be of one shape."""
    try:
        term.by(torch.zeros(2 if one_number_a_row else (2, 3)), None if term.against is None else torch.zeros(2))
    except ValueError as error:
        raise ValueError(f"{at}: {error}".removesuffix(".")) from None


def labels(study: Study, table: pl.DataFrame) -> dict[str, NDArray[np.float32]]:
    """What each head is compared with, float32 [rows], NaN where a symptom is not known.

    Raises BadStudy if a column is missing, an outcome is empty, or all are of one kind.
    """
    wanted = {study.outcome.column, *(symptom.column for symptom in study.symptoms)}
    if missing := sorted(wanted - set(table.columns)):
        raise BadStudy(f"{study.name}: {missing[0]} should be a column of the table ({', '.join(table.columns)}).")
    outcome = table[study.outcome.column].cast(pl.String)
    if outcome.null_count():
        raise BadStudy(
            f"outcome.column: {outcome.name} should be known in every row, got {outcome.null_count()} empty."
        )
    found = {study.outcome.name: (outcome == study.outcome.positive).to_numpy().astype(np.float32)}
    positives = int(found[study.outcome.name].sum())
    if positives in {0, table.height}:
        kinds = ", ".join(sorted(outcome.unique().to_list())[:10])
        raise BadStudy(
            f"outcome.positive: {study.outcome.positive} should be one of several cells of {outcome.name}, got {kinds}."
        )
    for symptom in study.symptoms:
        numbers = table[symptom.column].cast(pl.Float32, strict=False)
        if numbers.null_count() > table[symptom.column].null_count():
            raise BadStudy(f"symptoms.{symptom.name}: {symptom.column} should hold numbers.")
        found[symptom.name] = numbers.fill_null(float("nan")).to_numpy()
    return found


def inputs(study: Study, table: pl.DataFrame) -> NDArray[np.float32]:
    """The study's columns, float32 [rows, columns].

    Raises BadInput if any row breaks the schema: none is dropped silently.
    """
    encoded = encode_table(study.columns, table)
    if encoded.refused:
        raise BadInput(encoded.refused)
    return encoded.values


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
    return study


def in_words(error: ValidationError) -> str:
    """The first thing a value refused, by its path."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(step) for step in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{error.title}{'.' if path else ''}{path}: {message}."
