"""What each ingredient of the recipe buys: the study that `fulcrum init` writes, with one thing changed at a time.

Networks are trained and scored as for a bundle, but no file is written: what is compared is the ranking, and the
thresholds that it certifies.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.ours import GROUP, TARGET, written
from benchmarks.quality.peer import Job
from benchmarks.quality.runs import Run, held_out
from benchmarks.quality.scoring import CONFIDENCE, PRECISION, RECALL
from models.costs import Costs
from models.inputs import Inputs
from models.table import encode_table
from training.comparing.candidates import judged_by
from training.fit import Fitted
from training.init import Asked, study_text
from training.loss import Loss
from training.losses.asymmetric import Asymmetric
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.model import Beside, Model
from training.network import Network
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.run import Loaded, load
from training.split import ByGroup, CrossFit, Random, Shares
from training.study import Study, find_study
from training.taught import taught
from training.undo import undo_all
from training.unseen import told, worse

WHOLE = "the recipe"
# Of the parts that are set aside where rows are not cross-fitted: as large as the peers' that hold out.
ASIDE = Shares(training=0.56, validation=0.14, certification=0.3, test=0.0)


def run(job: Job, name: str) -> Run:
    """A variant on a table at a repeat."""
    rows, sick = job.split, job.table.sick
    with tempfile.TemporaryDirectory() as folder:
        study = VARIANTS[name](_study(job, Path(folder)))
        loaded = load(study)
    (model,), begin = study.models, time.perf_counter()
    held = None if loaded.crossed is None else loaded.crossed.held
    fitted = taught(study, model, loaded.parts, seed=job.seed, held=held)
    seconds = time.perf_counter() - begin
    calibration, calibration_sick, probability = _scored(study, model, loaded, fitted, name)
    encoded = encode_table(study.columns, written(job.table, rows.test))
    test = np.ones(len(rows.test))
    test[encoded.good] = probability(_answers(study, fitted, encoded.values[encoded.good]))
    return held_out(
        "hold-out" if held is None else "out-of-fold",
        calibration=calibration,
        calibration_sick=calibration_sick,
        test=test,
        test_sick=sick[rows.test],
        seconds=seconds,
        size=0,
        latency=float("nan"),
    )


Probability = Callable[[NDArray[np.float32]], NDArray[np.float64]]


def _scored(
    study: Study, model: Model, loaded: Loaded, fitted: Fitted, name: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], Probability]:
    """Scores and labels of the certification cases, and what makes a probability of a logit."""
    head, certifying = study.outcome.name, loaded.parts["certification"]
    undone = undo_all(model, head, loaded.parts["training"].labels[head], (fitted.pull, *fitted.beside))
    if fitted.unseen is None:
        validation = loaded.parts["validation"]
        made = undone.fit(_answers(study, fitted, validation.columns), validation.labels[head])
    else:
        made = undone.fit(fitted.unseen[head], loaded.parts["training"].labels[head])

    def probability(raw: NDArray[np.float32]) -> NDArray[np.float64]:
        return told(made, raw, prevalence=made.prevalence).astype(np.float64)

    delivered = told(made, _answers(study, fitted, certifying.columns), prevalence=made.prevalence)
    scored = delivered
    if fitted.unseen is not None:
        assert loaded.crossed is not None
        unseen = told(made, fitted.unseen[head][loaded.crossed.places], prevalence=made.prevalence)
        scored = unseen if name == UNSEEN else worse(unseen, delivered, certifying.labels[head])
    return scored.astype(np.float64), certifying.labels[head].astype(np.int64), probability


def _answers(study: Study, fitted: Fitted, columns: NDArray[np.float32]) -> NDArray[np.float32]:
    head = study.outcome.name
    return np.asarray(fitted.net.answers(Inputs.of(columns), [head])[head].numpy())


def _study(job: Job, folder: Path) -> Study:
    """The study that `fulcrum init` writes, with its screen alone."""
    file = folder / "table.csv"
    written(job.table, job.split.development).write_csv(file)
    asked = Asked(recall=RECALL, precision=PRECISION, confidence=CONFIDENCE)
    group = None if job.table.groups is None else GROUP
    text = study_text(file, target=TARGET, positive="yes", name="table", group=group, asked=asked)
    (folder / "study.py").write_text(text, encoding="utf-8")
    study = find_study(str(folder / "study.py"))
    return _with(study, models=study.models[:1])


def _with(study: Study, **fields: object) -> Study:
    return Study(**{**dict(study), **fields})


def _model(study: Study, change: Callable[[Model], Model]) -> Study:
    return _with(study, models=tuple(change(model) for model in study.models))


def _networks(study: Study, change: Callable[[Network], Network]) -> Study:
    def changed(model: Model) -> Model:
        beside = tuple(each.model_copy(update={"network": change(each.network)}) for each in model.beside)
        return model.model_copy(update={"network": change(model.network), "beside": beside})

    return _model(study, changed)


def _judged(study: Study, loss: Loss) -> Study:
    """Another loss in the place of plain cross-entropy, in all networks."""
    return _model(study, lambda model: judged_by(study, model, loss))


def _additive_alone(study: Study) -> Study:
    def changed(model: Model) -> Model:
        if not model.beside:
            return model
        (additive,) = model.beside
        fields = {"network": additive.network, "terms": additive.terms, "budget": additive.budget, "beside": ()}
        return model.model_copy(update=fields)

    return _model(study, changed)


def _loose(study: Study) -> Study:
    """Nothing holds the networks back: no dropout, no decay, hardly a ridge."""

    def changed(model: Model) -> Model:
        assert isinstance(model.network, MLP)
        return model.model_copy(
            update={
                "network": model.network.model_copy(update={"dropout": 0.0}),
                "budget": model.budget.model_copy(update={"decay": 0.0}),
                "beside": tuple(_less_ridge(each) for each in model.beside),
            }
        )

    return _model(study, changed)


def _less_ridge(beside: Beside) -> Beside:
    terms = tuple(
        term.model_copy(update={"weight": term.weight / 100}) if isinstance(term.by, SquaredSize) else term
        for term in beside.terms
    )
    return beside.model_copy(update={"terms": terms})


def _tabm(study: Study) -> Study:
    def changed(network: Network) -> Network:
        if not isinstance(network, MLP):
            return network
        return TabM(hidden=(64, 64), count=8, dropout=network.dropout, numbers=network.numbers)

    return _networks(study, changed)


def _two_layers(study: Study) -> Study:
    def changed(network: Network) -> Network:
        return network.model_copy(update={"hidden": (64, 64)}) if isinstance(network, MLP) else network

    return _networks(study, changed)


def _dealt(study: Study, **fields: object) -> Study:
    assert isinstance(study.split, CrossFit)
    return _with(study, split=study.split.model_copy(update=fields))


def _set_aside(study: Study) -> Study:
    """30 % to certify on, 14 % to stop by."""
    group = study.split.group
    return _with(study, split=ByGroup(column=group, shares=ASIDE) if group else Random(shares=ASIDE))


UNSEEN = "certified on the unseen scores alone"
# What is changed, by its name.
VARIANTS: dict[str, Callable[[Study], Study]] = {
    WHOLE: lambda study: study,
    "a part set aside to certify on, and one to stop by": _set_aside,
    UNSEEN: lambda study: study,
    "dealt once": lambda study: _dealt(study, repeats=1),
    "dealt three times as often": lambda study: study.model_copy(update={"split": study.split.more(3)}),
    "five folds": lambda study: _dealt(study, folds=5),
    "without the additive network": lambda study: _model(study, lambda each: each.model_copy(update={"beside": ()})),
    "the additive network alone": _additive_alone,
    "numbers as they are": lambda study: _networks(study, lambda each: each.model_copy(update={"numbers": None})),
    "nothing held back": _loose,
    "two hidden layers": _two_layers,
    "TabM in place of one hidden layer": _tabm,
    "a miss costs 10 alarms": lambda study: _judged(study, CostWeighted(costs=Costs(miss=10.0))),
    "an alarm costs 10 misses": lambda study: _judged(study, CostWeighted(costs=Costs(false_alarm=10.0))),
    "asymmetric focal loss": lambda study: _judged(study, Asymmetric()),
}
