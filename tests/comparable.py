"""A small study file of simulated people whose models train in a moment, for what trains many."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests import tables

STUDY = """from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from models.schema import Numeric, Schema
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.networks.linear import Linear
from training.sampling import Oversampled
from training.sources.file import File
from training.split import ByGroup, Random, Shares
from training.study import Budget, Model, Outcome, Study
from training.term import WEIGHTS, Term

SHARES = Shares(training=0.4, validation=0.2, certification=0.2, test=0.2)
BUDGET = Budget(epochs=3, batch=256, learning_rate=0.05)
SIZE = Term(on=WEIGHTS, by=SquaredSize(), weight=0.001)

study = Study(
    name="people",
    source=File(path={path!r}),
    columns=Schema(columns=tuple(Numeric(name=name, low=-90, high=90) for name in "abc")),
    outcome=Outcome(name="sick", column="Is sick?", positive="yes"),
    split=ByGroup(column="patient", shares=SHARES),
    models=(
        Model(
            name="screen", purpose="", network=Linear(), budget=BUDGET, contract=Recall(at_least=0.8),
            terms=(Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=5.0))), SIZE),
            sampling=Oversampled(times=2.0),
        ),
        Model(
            name="presurgical", purpose="", network=Linear(), budget=BUDGET,
            contract=Precision(at_least=0.7, prevalence=0.2),
            terms=(Term(on="sick", against="sick", by=CostWeighted(costs=Costs(false_alarm=5.0))), SIZE),
        ),
    ),
)
"""


def study_file(folder: Path, rows: int = 1200) -> Path:
    """Write people.csv, two visits a patient, and people.py beside it."""
    path = tables.people(folder, rows, patient=pl.Series([f"p{row // 2}" for row in range(rows)]))
    file = folder / "people.py"
    file.write_text(STUDY.format(path=str(path)))
    return file
