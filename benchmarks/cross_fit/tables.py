"""One table: trained, certified, and what its promises are worth among people like those who were drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from benchmarks.cross_fit.worlds import Numbers, World
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import BadStudy, Unreachable
from models.order_statistic import cases_needed
from models.schema import Schema
from training.inferred import infer
from training.labels import inputs
from training.recipe import recipe
from training.run import load
from training.source import Source
from training.split import CrossFit
from training.study import Model, Outcome, Study
from training.table import Table
from training.taught import taught
from training.undo import undo_all
from training.unseen import told, worse

RECALL, CONFIDENCE = 0.95, 0.9
# A precision at which the odds of the flagged are so many times those of everybody.
TIMES = 4.0
FRESH = 10_000
# The sick without whom no model is certified, however good it is.
NEEDED = cases_needed(RECALL, CONFIDENCE)
# How the cases of a curve are scored: by copies that never saw them, by the delivered model, or by the worse of both.
WAYS = ("worse of both", "unseen", "delivered")


class Drawn(Source):
    """The table of a seed."""

    seed: int

    def read(self) -> Table:
        world = World.drawn(self.seed)
        return Table(world.people(np.random.default_rng([1, self.seed]), world.rows)[0], {})


@dataclass(frozen=True)
class Certified:
    """A promise that was certified, and what is true of it: the figure, and the specificity or recall it costs."""

    promised: float
    truth: float
    price: float

    @property
    def kept(self) -> bool:
        """Whether the figure really is as promised."""
        return self.truth >= self.promised


@dataclass(frozen=True)
class Tried:
    """What became of the contracts of one table, by how cases were scored; None where one was refused."""

    rows: int
    positives: int
    discrete: bool
    recall: dict[str, Certified | None]
    precision: dict[str, Certified | None]
    naive: Certified

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """Read from what `asdict` made of it."""

        def known(ways: dict[str, Any]) -> dict[str, Certified | None]:
            return {way: None if found is None else Certified(**found) for way, found in ways.items()}

        read = {name: known(fields[name]) for name in ("recall", "precision")}
        return cls(**{**fields, **read, "naive": Certified(**fields["naive"])})


def tried(seed: int) -> Tried | None:
    """Train on the table of a seed as `fulcrum init` would, and certify.

    None where Fulcrum refuses the table: fewer sick than carry the promise whatever is learnt, or nothing learnt that
    can be calibrated.
    """
    torch.set_num_threads(1)
    world, source = World.drawn(seed), Drawn(seed=seed)
    table = source.read().rows
    positives = int((table["sick"] == "yes").sum())
    if positives < NEEDED:
        return None
    try:
        study = _study(source, table, positives, seed)
        loaded = load(study)
    except BadStudy:
        return None
    (model,), crossed = study.models, loaded.crossed
    assert crossed is not None
    fitted = taught(study, model, loaded.parts, seed=seed, held=crossed.held)
    assert fitted.unseen is not None
    targets = loaded.parts["training"].labels["sick"]
    undone = undo_all(model, "sick", targets, (fitted.pull, *fitted.beside))
    try:
        calibration = undone.fit(fitted.unseen["sick"], targets)
    except ValueError:
        return None
    share = calibration.prevalence

    def probability(raw: NDArray[np.float32]) -> NDArray[np.float32]:
        return told(calibration, raw, prevalence=share)

    unseen = probability(fitted.unseen["sick"])
    delivered = probability(fitted.net.answers(loaded.parts["training"].inputs, ["sick"])["sick"].numpy())
    fresh, risk = world.people(np.random.default_rng([2, seed]), FRESH)
    # A category that the table does not hold can not be asked for.
    known = np.ones(FRESH, dtype=bool)
    for column in study.columns.columns:
        if hasattr(column, "categories"):
            known &= fresh[column.name].is_in(column.categories).fill_null(True).to_numpy()
    fresh, risk = fresh.filter(pl.Series(known)), risk[known]
    asked = probability(fitted.net.answers(inputs(study, fresh), ["sick"])["sick"].numpy())
    scored = dict(zip(WAYS, (worse(unseen, delivered, targets), unseen, delivered), strict=True))
    odds = TIMES * share / (1 - share)
    surely = Precision(at_least=odds / (1 + odds), prevalence=share, confidence=CONFIDENCE)
    curves = {way: Curve.of(scores, targets, prevalence=share) for way, scores in scored.items()}
    highest = float(np.sort(unseen[targets > 0])[int((1 - RECALL) * positives)])
    return Tried(
        rows=world.rows,
        positives=positives,
        discrete=seed % 7 == 0,
        recall={way: _certified(study.models[0].contract, curve, asked, risk) for way, curve in curves.items()},
        precision={way: _certified(surely, curve, asked, risk) for way, curve in curves.items()},
        naive=_recall(highest, asked, risk),
    )


def numbered(seed: int) -> tuple[int, Tried | None]:
    """The same, with its seed: tables come back in any order."""
    return seed, tried(seed)


def _study(source: Drawn, table: pl.DataFrame, positives: int, seed: int) -> Study:
    made = recipe(table.height, positives)
    model = Model(
        name="screen",
        purpose="",
        contract=Recall(at_least=RECALL, confidence=CONFIDENCE),
        **made.fields("sick"),
    )
    # The slack of ranges is wide, but heavy tails have no end.
    columns = tuple(
        column.model_copy(update={"low": -1e9, "high": 1e9}) if hasattr(column, "low") else column
        for column in infer(table.drop("sick")).columns
    )
    return Study(
        name="drawn",
        source=source,
        columns=Schema(columns=columns),
        outcome=Outcome(name="sick", column="sick", positive="yes"),
        split=CrossFit(folds=made.size.folds, repeats=made.size.repeats),
        models=(model,),
        seed=seed,
    )


def _certified(contract: Contract, curve: Curve, asked: NDArray[np.float32], risk: Numbers) -> Certified | None:
    try:
        point = contract.choose(curve, guide=None)
    except Unreachable:
        return None
    if isinstance(contract, Recall):
        return _recall(point.threshold, asked, risk)
    assert isinstance(contract, Precision)
    flagged = asked >= np.float32(point.threshold)
    caught, alarmed = risk[flagged].sum() / risk.sum(), (1 - risk[flagged]).sum() / (1 - risk).sum()
    sick = contract.prevalence * caught
    found = sick + (1 - contract.prevalence) * alarmed
    return Certified(contract.at_least, float(sick / found) if found else 1.0, float(caught))


def _recall(threshold: float, asked: NDArray[np.float32], risk: Numbers) -> Certified:
    """The true recall and specificity of a threshold: everybody is sick with their own risk."""
    flagged = asked >= np.float32(threshold)
    healthy = 1 - risk
    return Certified(RECALL, float(risk[flagged].sum() / risk.sum()), float(healthy[~flagged].sum() / healthy.sum()))
