"""A study of eyes in a file that is not there, for what needs no data."""

from __future__ import annotations

from models.contracts.recall import Recall
from models.schema import Numeric, Schema
from training.losses.cost_weighted import CostWeighted
from training.networks.mlp import MLP
from training.sources.file import File
from training.split import ByGroup
from training.study import (
    Model,
    Outcome,
    Study,
    SymptomLabel,
)
from training.term import Term

PULL = Term(on="sick", against="sick", by=CostWeighted())


def model(*terms: Term, name: str = "screen") -> Model:
    return Model(
        name=name, purpose="", network=MLP(hidden=(4, 4)), terms=terms or (PULL,), contract=Recall(at_least=0.9)
    )


def study(*models: Model, **fields: object) -> Study:
    values: dict[str, object] = {
        "name": "eyes",
        "source": File(path="eyes.csv"),
        "columns": Schema(columns=(Numeric(name="age", low=0, high=120), Numeric(name="fluid", low=0, high=900))),
        "outcome": Outcome(name="sick", column="grade", positive="4", meaning="has the disease"),
        "symptoms": (SymptomLabel(name="thickness", column="microns", meaning="of the retina", unit="um"),),
        "split": ByGroup(column="patient"),
        "models": models or (model(),),
    }
    return Study(**{**values, **fields})  # type: ignore[arg-type]  # fields of every type
