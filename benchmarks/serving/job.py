"""The job that every server does: 20 columns of a person, a probability, a decision and three symptoms.

The network is the one of size 20-256-256-128; what it says of anybody means nothing, since only its speed is asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.serving.peers import fields
from models.bundle import Bundle, open_bundle
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.generate import generate
from models.rows import decode_rows
from models.schema import Binary, Categorical, Column, Numeric, Schema

MEASURES = 15
COLUMNS: tuple[Column, ...] = (
    *(
        Numeric(name=f"measure_{number}", meaning=f"measure {number}", unit="mmol/l", low=0, high=10 * number)
        for number in range(1, MEASURES + 1)
    ),
    Numeric(name="age", meaning="age", unit="years", low=18, high=100),
    Numeric(name="pressure", meaning="in the eye", unit="mmHg", low=0, high=60, missing="impute"),
    Binary(name="smoker", meaning="smokes"),
    Binary(name="diabetes", meaning="has diabetes", missing="impute"),
    Categorical(name="eye", meaning="which eye", categories=("left", "right")),
)
SCHEMA = Schema(columns=COLUMNS)
SYMPTOMS = ("vessels", "fluid", "scar")
MODELS = ("screen", "presurgical")
ROWS = 12_000


def wide(columns: int) -> Schema:
    """So many measures, and nothing else."""
    return Schema(
        columns=tuple(
            Numeric(name=f"measure_{number}", meaning=f"measure {number}", unit="mmol/l", low=0, high=10)
            for number in range(1, columns + 1)
        )
    )


def make(folder: Path, name: str = "serving", *, schema: Schema = SCHEMA, symptoms: tuple[str, ...] = SYMPTOMS) -> Path:
    """Both models, trained for a moment on simulated people, in `folder/name`; kept if they are there."""
    home = folder / name
    if not all((home / model / "manifest.json").exists() for model in MODELS):
        from training.run import load, run  # noqa: PLC0415  # a server of the benchmark does without

        file = folder / f"{name}.parquet"
        _people(schema, symptoms).write_parquet(file)
        study = _study(name, file, schema, symptoms)
        loaded = load(study)
        for model in study.models:
            run(study, model, loaded, folder)
    fields.write(home, tuple(map(_field, schema.columns)), symptoms)
    return home


def _field(column: Column) -> fields.Field:
    low, high = (column.low, column.high) if isinstance(column, Numeric) else (None, None)
    kinds = column.categories if isinstance(column, Categorical) else ()
    return fields.Field(column.name, low, high, kinds, column.missing == "impute")


def opened(folder: Path) -> Bundle:
    """The bundle of the screen."""
    return open_bundle(folder / "screen")


def rows(count: int, seed: int, schema: Schema = SCHEMA) -> list[dict[str, Any]]:
    """People as a request names them."""
    found = decode_rows(schema, generate(schema, count, seed))
    return [{name: round(cell, 2) if isinstance(cell, float) else cell for name, cell in row.items()} for row in found]


def _people(schema: Schema, symptoms: tuple[str, ...]) -> pl.DataFrame:
    encoded = generate(schema, ROWS, seed=0)
    table = pl.DataFrame(decode_rows(schema, encoded))
    risk = 0.8 * (encoded[:, :5] / schema.bounds[1, :5] - 0.5).sum(axis=1) * 5
    random = np.random.default_rng(1)
    sick = random.random(ROWS) < 1 / (1 + np.exp(-risk))
    signs = {name: np.where(sick, 1.0, 0.0) + random.normal(size=ROWS) for name in symptoms}
    return table.with_columns(
        pl.Series("sick", np.where(sick, "yes", "no")), *(pl.Series(*pair) for pair in signs.items())
    )


def _study(name: str, file: Path, schema: Schema, symptoms: tuple[str, ...]) -> Any:
    from training.losses.cost_weighted import CostWeighted  # noqa: PLC0415  # the same
    from training.losses.huber import Huber  # noqa: PLC0415
    from training.networks.mlp import MLP  # noqa: PLC0415
    from training.sources.file import File  # noqa: PLC0415
    from training.split import Random, Shares  # noqa: PLC0415
    from training.study import Budget, Model, Outcome, Study, SymptomLabel  # noqa: PLC0415
    from training.term import Term  # noqa: PLC0415

    terms = (
        Term(on="sick", against="sick", by=CostWeighted()),
        *(Term(on=symptom, against=symptom, by=Huber(), weight=0.1) for symptom in symptoms),
    )
    contracts = (Recall(at_least=0.9), Precision(at_least=0.6, prevalence=0.3))
    return Study(
        name=name,
        source=File(path=str(file)),
        columns=schema,
        outcome=Outcome(name="sick", column="sick", positive="yes", meaning="is sick"),
        symptoms=tuple(SymptomLabel(name=symptom, column=symptom, meaning=symptom) for symptom in symptoms),
        split=Random(shares=Shares(training=0.4, validation=0.2, certification=0.3, test=0.1)),
        models=tuple(
            Model(
                name=model,
                purpose="A benchmark.",
                network=MLP(hidden=(256, 256, 128)),
                terms=terms,
                contract=contract,
                budget=Budget(epochs=3, batch=256),
            )
            for model, contract in zip(MODELS, contracts, strict=True)
        ),
    )
