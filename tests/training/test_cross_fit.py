"""Cross-fitted models all the way: from a table to bundles that were certified on every row that taught."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from models.bundle import open_bundle
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.costs import Costs
from models.curve import Curve
from models.errors import BadBundle, BadStudy
from models.joint import open_joint, write_joint
from models.manifest import CrossFitted, Manifest
from models.scorer import Scorer
from models.verify import verify
from tests import simulated
from training.averaged import Averaged
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_error import SquaredError
from training.losses.squared_size import SquaredSize
from training.model import Beside, Budget, Model
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.numbers.bounded_bins import BoundedBins
from training.pair import pair
from training.run import Loaded, Made, load, run
from training.sources.file import File
from training.split import PARTS, ByDate, CrossFit, Random, Shares, Split
from training.study import Outcome, Study, SymptomLabel
from training.term import WEIGHTS, Term

ROWS = 500
BUDGET = Budget(epochs=12, batch=64, learning_rate=0.05, schedule="cosine")
SICK = Term(on="sick", against="sick", by=CostWeighted())
FLUID = Term(on="fluid", against="fluid", by=SquaredError())
SIZE = Term(on=WEIGHTS, by=SquaredSize(), weight=0.01)
LINEAR = Beside(network=Linear(numbers=BoundedBins(bins=4)), terms=(SICK, FLUID, SIZE))
SCREEN = Model(
    name="screen",
    purpose="A test.",
    network=MLP(hidden=(4,), dropout=0.2, numbers=BoundedBins(bins=4)),
    terms=(SICK, FLUID),
    contract=Recall(at_least=0.7, confidence=0.9),
    budget=BUDGET,
    beside=(LINEAR,),
)
PRESURGICAL = Model(
    name="presurgical",
    purpose="A test.",
    network=Linear(),
    terms=(SICK, FLUID, SIZE),
    contract=Precision(at_least=0.3, prevalence=0.1, confidence=0.9),
    budget=BUDGET,
)
CROSSED = CrossFit(folds=3, repeats=2, test=0.2)


def people(folder: Path, split: Split, *models: Model, rows: int = ROWS) -> Study:
    """A study of people in a Parquet file, two visits each on one day, of whom a third of the fluid is not known."""
    columns, sick = simulated.people(rows, 1)
    first = date(2020, 1, 1)
    pl.DataFrame(columns, schema=["a", "b", "c"]).with_columns(
        pl.Series("sick", np.where(sick > 0, "yes", "no")),
        pl.Series("fluid", np.where(np.arange(rows) % 3 == 0, np.nan, 5 + 2 * columns[:, 0])).fill_nan(None),
        pl.Series("patient", np.arange(rows) // 2),
        pl.Series("day", [first + timedelta(days=row // 2 % 60) for row in range(rows)]),
    ).write_parquet(folder / "people.parquet")
    return Study(
        name="crossed",
        source=File(path=str(folder / "people.parquet")),
        columns=simulated.SCHEMA,
        outcome=Outcome(name="sick", column="sick", positive="yes"),
        symptoms=(SymptomLabel(name="fluid", column="fluid", unit="ml"),),
        split=split,
        models=models or (PRESURGICAL,),
    )


@dataclass(frozen=True)
class Trained:
    """A study, its data, and what was made of it in `out`."""

    study: Study
    loaded: Loaded
    out: Path
    made: dict[str, Made]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("crossed")
    study = people(out, CROSSED, SCREEN, PRESURGICAL)
    loaded = load(study)
    return Trained(study, loaded, out, {each.name: run(study, each, loaded, out) for each in study.models})


def manifests(trained: Trained) -> list[Manifest]:
    return [made.bundle.manifest for made in trained.made.values()]


def probability(folder: Path, columns: np.ndarray) -> np.ndarray:
    """What the file says, asked by nothing but its runtime."""
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    return np.asarray(session.run(["probability"], {"columns": columns})[0])


def test_each_bundle_opens_and_says_that_it_was_cross_fitted(trained: Trained) -> None:
    for name, made in trained.made.items():
        bundle = open_bundle(trained.out / "crossed" / name)
        assert bundle.manifest == made.bundle.manifest
        assert all(check.passed for check in verify(bundle))
        assert bundle.manifest.cross_fitted == CrossFitted(folds=3, repeats=2)
        assert bundle.manifest.guide is None
        assert isinstance(made.fitted.net, Averaged)


def test_every_row_that_is_not_tested_on_teaches_and_is_certified_on(trained: Trained) -> None:
    sick = int(simulated.people(ROWS, 1)[1].sum())
    for manifest in manifests(trained):
        parts = {part.name: part for part in manifest.provenance.parts}
        assert tuple(parts) == PARTS
        assert (parts["training"].rows, parts["training"].positives) == (
            parts["certification"].rows,
            parts["certification"].positives,
        )
        assert parts["validation"].rows == 0
        assert parts["training"].rows + parts["test"].rows == ROWS
        assert parts["training"].positives + parts["test"].positives == sick
        assert parts["test"].rows == pytest.approx(0.2 * ROWS, abs=1)
        (certificate,) = manifest.point.certificates
        assert certificate.positives == parts["certification"].positives
        assert certificate.negatives == parts["certification"].rows - certificate.positives


def test_each_row_is_counted_at_the_worse_of_what_copies_say_that_never_saw_it_and_what_the_file_says(
    trained: Trained,
) -> None:
    part = trained.loaded.parts["certification"]
    sick = part.labels["sick"] > 0
    for name, made in trained.made.items():
        manifest = made.bundle.manifest
        assert made.fitted.unseen is not None
        logits = manifest.calibration.logits(made.fitted.unseen["sick"])
        odds = np.exp(logits) * _odds(manifest.prevalence) / _odds(manifest.calibration.prevalence)
        unseen = odds / (1 + odds)
        said = probability(trained.out / "crossed" / name, part.columns)
        wanted = np.array(
            [min(one, other) if kind else max(one, other) for one, other, kind in zip(unseen, said, sick, strict=True)]
        )
        assert made.certified == pytest.approx(wanted, abs=1e-6)
        assert not np.allclose(made.certified, said, atol=1e-3)
        assert not np.allclose(made.certified, unseen, atol=1e-3)
        assert manifest.curve == Curve.of(made.certified, sick, prevalence=manifest.prevalence)


def _odds(prevalence: float) -> float:
    return prevalence / (1 - prevalence)


def test_what_was_certified_is_no_more_than_what_the_file_does_to_the_same_people(trained: Trained) -> None:
    part = trained.loaded.parts["certification"]
    sick = part.labels["sick"] > 0
    for name, made in trained.made.items():
        point = made.bundle.manifest.point
        flagged = probability(trained.out / "crossed" / name, part.columns) >= np.float32(point.threshold)
        assert int((flagged & sick).sum()) >= point.measured.counts.hits
        assert int((flagged & ~sick).sum()) <= point.measured.counts.alarms


def test_the_calibration_is_what_scikit_learn_fits_on_answers_of_copies_that_never_saw_a_row(trained: Trained) -> None:
    sick = trained.loaded.parts["training"].labels["sick"]
    # Platt's smoothed targets: a part of each case counts as of the other kind.
    share = np.where(sick > 0, (sick.sum() + 1) / (sick.sum() + 2), 1 / ((1 - sick).sum() + 2))
    kinds, weights = np.repeat([1, 0], len(sick)), np.concatenate([share, 1 - share])
    for made in trained.made.values():
        found, unseen = made.bundle.manifest.calibration, made.fitted.unseen
        assert unseen is not None
        assert (found.undo, found.loss_log_ratio) == ("shift", pytest.approx(0, abs=1e-6))
        logits = np.tile(unseen["sick"].astype(float), 2)[:, None]
        line = LogisticRegression(C=np.inf, tol=1e-10).fit(logits, kinds, weights)
        assert found.slope == pytest.approx(float(line.coef_[0, 0]), abs=1e-3)
        assert found.intercept == pytest.approx(float(line.intercept_[0]), abs=1e-3)


def test_the_evidence_is_of_rows_that_no_copy_saw(trained: Trained) -> None:
    part = trained.loaded.parts["test"]
    for name, manifest in zip(trained.made, manifests(trained), strict=True):
        evidence = manifest.evidence
        assert evidence is not None
        assert evidence.part.rows == len(part.columns)
        said = probability(trained.out / "crossed" / name, part.columns)
        assert evidence.curve == Curve.of(said, part.labels["sick"], prevalence=manifest.prevalence)


def test_a_symptom_is_answered_by_the_mean_of_all_networks(trained: Trained) -> None:
    columns = simulated.people(200, 9)[0]
    for made in trained.made.values():
        assert Scorer(made.bundle).score(columns).symptoms["fluid"] == pytest.approx(5 + 2 * columns[:, 0], abs=2.0)


def test_the_study_in_the_manifest_reads_back_as_the_study_that_was_run(trained: Trained) -> None:
    for made, manifest in zip(trained.study.models, manifests(trained), strict=True):
        again = Study.model_validate(manifest.provenance.study)
        assert again == trained.study.model_copy(update={"models": (made,)})


def test_a_model_made_again_is_the_same_to_the_last_digest(trained: Trained, tmp_path: Path) -> None:
    again = run(trained.study, PRESURGICAL, load(trained.study), tmp_path)
    assert again.bundle.digest == trained.made["presurgical"].bundle.digest


def test_a_pathway_counts_the_scores_that_both_models_were_certified_on(trained: Trained) -> None:
    bundles = {name: made.bundle for name, made in trained.made.items()}
    certified = {name: made.certified for name, made in trained.made.items()}
    joint = pair(trained.study, trained.loaded, bundles, certified)
    write_joint(joint, trained.out / "crossed")
    assert open_joint(trained.out / "crossed", bundles["screen"], bundles["presurgical"]) == joint
    (trained.out / "crossed" / "pathway.json").unlink()
    assert joint.certification.part.rows == len(trained.loaded.parts["training"].columns)
    # What the files themselves say of rows that taught them is not what was certified.
    with pytest.raises(
        BadBundle, match=r"certification\.screen: should have the counts of the curve of crossed/screen"
    ):
        pair(trained.study, trained.loaded, bundles)


# Parts


@pytest.mark.parametrize(
    "split",
    [
        CROSSED,
        CrossFit(folds=3, column="patient", certify_one_each=True, test=0.1, searched=0.3),
        ByDate(
            column="day",
            since=date(2020, 1, 5),
            test_from=date(2020, 2, 20),
            until=date(2020, 3, 1),
            before=CrossFit(folds=3, column="patient", searched=0.2),
        ),
    ],
    ids=["alone", "one visit each", "before a later test"],
)
def test_each_certified_row_is_found_among_those_that_teach(tmp_path: Path, split: Split) -> None:
    loaded = load(people(tmp_path, split))
    parts, crossed = loaded.parts, loaded.crossed
    assert crossed is not None
    assert crossed.held.shape == (len(parts["training"].columns), split.copies)
    assert parts["training"].table[crossed.places].equals(parts["certification"].table)
    tested = set(parts["test"].table["patient"])
    assert tested
    if split.group:
        assert not tested & set(parts["training"].table["patient"])
        assert not set(parts["validation"].table["patient"]) & set(parts["certification"].table["patient"])
        patients = parts["training"].table["patient"].to_numpy()
        assert all(not set(patients[fold]) & set(patients[~fold]) for fold in crossed.held.T)


def test_people_of_a_later_time_are_tested_on_by_a_cross_fitted_model(tmp_path: Path) -> None:
    split = ByDate(
        column="day",
        since=date(2020, 1, 1),
        test_from=date(2020, 2, 20),
        until=date(2020, 3, 1),
        before=CrossFit(folds=3, repeats=1, column="patient", certify_one_each=True),
    )
    study = people(tmp_path, split)
    manifest = run(study, PRESURGICAL, load(study), tmp_path).bundle.manifest
    assert manifest.cross_fitted == CrossFitted(folds=3, repeats=1)
    assert manifest.evidence is not None
    training, _, certification, test = manifest.provenance.parts
    assert training.rows == 2 * certification.rows
    assert test.rows == manifest.evidence.part.rows == 2 * sum(row % 60 >= 50 for row in range(ROWS // 2))


def test_folds_that_would_hold_no_sick_case_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    sick = int(simulated.people(40, 1)[1].sum())
    with pytest.raises(BadStudy) as caught:
        load(people(tmp_path, CrossFit(folds=20), rows=40))
    assert str(caught.value) == f"split.folds: should be {sick} at most, with so many sick cases, got 20."


# Networks beside each other


def test_networks_whose_losses_are_undone_differently_are_not_averaged(tmp_path: Path) -> None:
    dear = Term(on="sick", against="sick", by=CostWeighted(costs=Costs(miss=20.0)))
    short = BUDGET.model_copy(update={"epochs": 1})
    other = PRESURGICAL.model_copy(update={"beside": (Beside(network=Linear(), terms=(dear, FLUID)),), "budget": short})
    study = people(tmp_path, CROSSED, other)
    with pytest.raises(BadStudy) as caught:
        run(study, other, load(study), tmp_path / "out")
    assert str(caught.value) == (
        "models.presurgical.beside.0: what its losses and sampling do to a probability should be undone as for the"
        f" model's own network: by a shift of 0, got a shift of {np.log(20):.4g}."
    )
    assert not (tmp_path / "out").exists()


def test_networks_beside_each_other_need_no_folds(tmp_path: Path) -> None:
    shares = Shares(training=0.4, validation=0.2, certification=0.2, test=0.2)
    halved = PRESURGICAL.model_copy(
        update={
            "beside": (LINEAR,),
            "budget": Budget(epochs=15, batch=64, learning_rate=0.05),
            "contract": Recall(at_least=0.6),
        }
    )
    study, told = people(tmp_path, Random(shares=shares), halved), list[int]()
    made = run(study, halved, load(study), tmp_path, lambda epoch: told.append(epoch.number))
    manifest = open_bundle(made.bundle.folder).manifest
    assert (manifest.cross_fitted, made.fitted.unseen) == (None, None)
    assert manifest.guide is not None
    assert Study.model_validate(manifest.provenance.study) == study
    # Epochs of the second network are counted on from those of the first, as many as there may be.
    assert told == sorted(set(told))
    assert 15 < told[-1] <= halved.epochs == 30
    part = load(study).parts["certification"]
    said = probability(made.bundle.folder, part.columns)
    assert manifest.curve == Curve.of(said, part.labels["sick"], prevalence=manifest.prevalence)
