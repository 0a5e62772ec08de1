from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import recall_score, roc_auc_score

from models.bundle import open_bundle
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import BadInput, BadStudy, Unreachable
from models.scorer import Scorer
from models.verify import verify
from tests import simulated
from tests.training.conftest import Trained
from training.fit import Epoch
from training.losses.squared_error import SquaredError
from training.run import Loaded, _seed, load, run
from training.sources.file import File
from training.split import PARTS, ByDate, ByGroup, Random, Shares, Split
from training.study import Budget, Model, Outcome, Study, SymptomLabel, find_study
from training.term import Term

EVEN = Shares(training=0.4, validation=0.2, certification=0.2, test=0.2)
MODELS = ("screen", "presurgical")


def simulated_study(folder: Path, *, split: Split | None = None, rows: int = 1500, **fields: object) -> Study:
    """A study of people in a Parquet file: `sick`, a symptom `fluid`, a patient of two rows each, a day."""
    columns, sick = simulated.people(rows, 1)
    table = pl.DataFrame(columns, schema=["a", "b", "c"]).with_columns(
        pl.Series("sick", np.where(sick > 0, "yes", "no")),
        pl.Series("fluid", np.where(np.arange(rows) % 3 == 0, np.nan, 5 + 2 * columns[:, 0])).fill_nan(None),
        pl.Series("patient", np.arange(rows) // 2),
        pl.Series("day", np.arange(rows) % 30).cast(pl.String),
    )
    table.write_parquet(folder / "people.parquet")
    return Study(
        name="simulated",
        source=File(path=str(folder / "people.parquet")),
        columns=simulated.SCHEMA,
        outcome=Outcome(name="sick", column="sick", positive="yes"),
        symptoms=(SymptomLabel(name="fluid", column="fluid", unit="ml", meaning="fluid in the eye"),),
        split=split or Random(shares=EVEN),
        models=fields.pop("models", (model(),)),
        **fields,
    )


def model(contract: Contract | None = None, **fields: object) -> Model:
    symptom = Term(on="fluid", against="fluid", by=SquaredError())
    made = simulated.model(
        symptom, contract=contract or Recall(at_least=0.8), budget=Budget(epochs=30, batch=128, learning_rate=0.05)
    )
    return made.model_copy(update=fields)


# The shipped study that is always at hand, end to end


def test_each_bundle_opens_and_is_what_was_made(breast: Trained) -> None:
    for name in MODELS:
        bundle = open_bundle(breast.out / "breast" / name)
        assert bundle.name == f"breast/{name}"
        assert bundle.digest == breast.made[name].bundle.digest
        assert bundle.manifest == breast.made[name].bundle.manifest
        assert all(check.passed for check in verify(bundle))
        assert sorted(file.name for file in bundle.folder.iterdir()) == ["CARD.md", "manifest.json", "model.onnx"]


def test_the_evidence_is_what_scikit_learn_finds_with_the_file_alone(breast: Trained) -> None:
    data = load_breast_cancer()
    malignant = (data.target == 0).astype(int)
    rows = breast.study.split.parts(breast.study.source.read().rows, malignant, breast.study.seed)["test"]
    columns, sick = data.data[rows].astype(np.float32), malignant[rows]
    for name in MODELS:
        manifest = breast.made[name].bundle.manifest
        session = onnxruntime.InferenceSession(breast.out / "breast" / name / "model.onnx")
        probability, positive = session.run(["probability", "positive"], {"columns": columns})
        evidence = manifest.evidence
        assert evidence is not None
        assert evidence.part.model_dump() == {"name": "test", "rows": len(rows), "positives": int(sick.sum())}
        assert evidence.area_under_curve == pytest.approx(roc_auc_score(sick, probability))
        assert evidence.measured.recall.value == pytest.approx(recall_score(sick, positive))
        assert evidence.measured.specificity.value == pytest.approx(recall_score(1 - sick, ~positive))
        assert evidence.kept
        assert evidence.area_under_curve > 0.97


def test_the_parts_are_those_of_the_split_and_all_rows_are_in_one(breast: Trained) -> None:
    for made in breast.made.values():
        parts = made.bundle.manifest.provenance.parts
        assert [part.name for part in parts] == list(PARTS)
        assert sum(part.rows for part in parts) == 569
        assert sum(part.positives for part in parts) == 212
        (certificate,) = made.bundle.manifest.point.certificates
        assert certificate.positives == parts[2].positives
        assert certificate.negatives == parts[2].rows - parts[2].positives


def test_pitfall_the_threshold_comes_from_what_the_file_answers_so_the_patient_on_the_boundary_is_flagged(
    breast: Trained,
) -> None:
    for name in MODELS:
        manifest = breast.made[name].bundle.manifest
        part = breast.loaded.parts["certification"]
        session = onnxruntime.InferenceSession(breast.out / "breast" / name / "model.onnx")
        probability, positive = session.run(["probability", "positive"], {"columns": part.columns})
        sick = part.labels["malignant"]
        assert manifest.curve == Curve.of(probability, sick, prevalence=manifest.prevalence)
        assert manifest.point.threshold == float(np.float32(manifest.point.threshold))
        assert manifest.point.measured.counts.hits == int((positive & (sick > 0)).sum())
        assert manifest.point.measured.counts.alarms == int((positive & (sick == 0)).sum())
        lowest = np.where(positive, probability, 2).argmin()
        again, _ = session.run(["positive", "logit"], {"columns": part.columns[lowest : lowest + 1]})
        assert again.tolist() == [True]
        # A threshold on that patient's own score, as an exact order statistic gives, flags the patient too.
        for cut in (probability[lowest], manifest.point.threshold):
            feed = {"columns": part.columns[lowest : lowest + 1], "threshold": np.array([cut], dtype=np.float32)}
            assert session.run(["positive"], feed)[0].tolist() == [True]


def test_the_contract_is_kept_where_it_was_certified(breast: Trained) -> None:
    for name in MODELS:
        point = breast.made[name].bundle.manifest.point
        (certificate,) = point.certificates
        figure = certificate.promise.measured(point.measured.counts)
        assert figure is not None
        assert figure >= certificate.certified >= certificate.promise.bound


def test_file_and_network_decide_alike_on_every_row_of_the_data(breast: Trained) -> None:
    columns = np.concatenate([part.columns for part in breast.loaded.parts.values()])
    for made in breast.made.values():
        scorer, manifest = Scorer(made.bundle), made.bundle.manifest
        with torch.no_grad():
            raw = made.fitted.net(torch.from_numpy(columns))["malignant"].numpy()
        trained = 1 / (1 + np.exp(-manifest.calibration.logits(raw)))
        shifted = trained / (1 - trained) * _odds(manifest.prevalence) / _odds(manifest.calibration.prevalence)
        decided = shifted / (1 + shifted) >= manifest.point.threshold
        assert np.array_equal(scorer.score(columns).positive, decided)


def _odds(prevalence: float) -> float:
    return prevalence / (1 - prevalence)


def test_a_model_made_again_is_the_same_to_the_last_digest(breast: Trained, tmp_path: Path) -> None:
    again = run(breast.study, breast.study.models[0], load(breast.study), tmp_path)
    assert again.bundle.digest == breast.made["screen"].bundle.digest
    for name in ("model.onnx", "manifest.json", "CARD.md"):
        kept = (breast.out / "breast" / "screen" / name).read_bytes()
        assert (tmp_path / "breast" / "screen" / name).read_bytes() == kept


def test_pitfall_the_study_in_the_manifest_reads_back_as_the_study_that_was_run(breast: Trained) -> None:
    for model in breast.study.models:
        manifest = open_bundle(breast.out / "breast" / model.name).manifest
        again = Study.model_validate(manifest.provenance.study)
        assert again == breast.study.model_copy(update={"models": (model,)})
        assert type(again.models[0].terms[0].by) is type(model.terms[0].by)


def test_the_rest_of_the_provenance_names_data_packages_and_epochs(breast: Trained) -> None:
    for made in breast.made.values():
        origin = made.bundle.manifest.provenance
        assert origin.data == breast.study.source.read().digests
        assert origin.versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
        assert origin.versions["onnx"] == onnx.__version__
        assert (origin.epochs, origin.seed) == (made.fitted.kept.number, breast.study.seed)


def test_nothing_of_this_machine_is_in_a_bundle(breast: Trained) -> None:
    for name in MODELS:
        for file in (breast.out / "breast" / name).iterdir():
            text = file.read_bytes()
            for trace in (str(Path(__file__).parents[2]), str(Path.home()), str(breast.out), "site-packages"):
                assert trace.encode() not in text, (file.name, trace)


# Any study


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, list[Epoch]]:
    """A study with a symptom, what was made of it, and the epochs that were told on the way."""
    out, told = tmp_path_factory.mktemp("own"), list[Epoch]()
    study = simulated_study(out)
    loaded = load(study)
    return Trained(study, loaded, out, {"screen": run(study, study.models[0], loaded, out, told.append)}), told


def test_a_study_with_a_symptom_answers_it_in_its_own_unit(own: tuple[Trained, list[Epoch]]) -> None:
    made = own[0].made["screen"]
    columns = simulated.people(500, 9)[0]
    scores = Scorer(made.bundle).score(columns)
    assert scores.symptoms["fluid"] == pytest.approx(5 + 2 * columns[:, 0], abs=0.5)
    assert [symptom.model_dump() for symptom in made.bundle.manifest.symptoms] == [
        {"name": "fluid", "meaning": "fluid in the eye", "unit": "ml", "scale": "number", "highest": None}
    ]


def test_without_a_test_part_there_is_no_evidence(tmp_path: Path) -> None:
    shares = Shares(training=0.5, validation=0.2, certification=0.3, test=0)
    study = simulated_study(tmp_path, split=Random(shares=shares))
    bundle = run(study, study.models[0], load(study), tmp_path).bundle
    assert bundle.manifest.evidence is None
    assert [part.rows for part in bundle.manifest.provenance.parts][3] == 0
    assert "certification" in bundle.card


def test_every_epoch_is_told(own: tuple[Trained, list[Epoch]]) -> None:
    trained, told = own
    assert told
    assert tuple(told) == trained.made["screen"].fitted.history


def test_a_model_whose_contract_is_not_carried_leaves_no_bundle_behind(tmp_path: Path) -> None:
    study = simulated_study(tmp_path, models=(model(Recall(at_least=0.999)),))
    with pytest.raises(Unreachable) as caught:
        run(study, study.models[0], load(study), tmp_path / "out")
    assert str(caught.value).startswith("recall >= 0.999 with confidence 0.95: cannot be certified.")
    assert not (tmp_path / "out").exists()


def test_a_model_whose_contract_is_not_carried_leaves_the_bundle_of_before(own: tuple[Trained, list[Epoch]]) -> None:
    trained, _ = own
    before = trained.made["screen"].bundle
    harder = trained.study.model_copy(update={"models": (model(Precision(at_least=0.99, prevalence=0.001)),)})
    with pytest.raises(Unreachable):
        run(harder, harder.models[0], trained.loaded, trained.out)
    assert open_bundle(before.folder).digest == before.digest
    assert [file.name for file in (trained.out / "simulated").iterdir()] == ["screen"]


def test_a_model_that_learnt_the_wrong_way_round_is_refused(tmp_path: Path) -> None:
    study = simulated_study(tmp_path)
    parts = dict(load(study).parts)
    validation = parts["validation"]
    turned = {**validation.labels, "sick": (validation.columns[:, 0] < 0).astype(np.float32)}
    parts["validation"] = replace(validation, labels=turned)
    with pytest.raises(BadStudy) as caught:
        run(study, study.models[0], Loaded(parts, {}), tmp_path / "out")
    assert str(caught.value).startswith(
        "models.screen: nothing was learnt that can be calibrated. Higher logits should mean more sick, got slope -"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["training", "validation", "certification", "test"])
def test_each_part_needs_cases_of_both_kinds(tmp_path: Path, name: str) -> None:
    class Unlucky(Random):
        def parts(self, table: pl.DataFrame, targets: np.ndarray, seed: int) -> dict[str, np.ndarray]:
            parts = super().parts(table, targets, seed)
            return {**parts, name: parts[name][targets[parts[name]] == 0]}

    with pytest.raises(BadStudy) as caught:
        load(simulated_study(tmp_path, split=Unlucky(shares=EVEN)))
    rows = int((simulated.people(1500, 1)[1] == 0).sum())
    assert str(caught.value).startswith(f"split: the {name} part should hold cases of both kinds, got ")
    assert str(caught.value).endswith(" cases of one.")
    assert 0.15 * rows < int(str(caught.value).split()[-4]) < 0.45 * rows


def test_a_certification_part_that_was_forgotten_is_missed(tmp_path: Path) -> None:
    shares = Shares(training=0.6, validation=0.2, certification=0, test=0.2)
    with pytest.raises(BadStudy) as caught:
        load(simulated_study(tmp_path, split=Random(shares=shares)))
    assert str(caught.value) == "split: the certification part should hold cases of both kinds, got 0 cases of one."


def test_a_row_outside_the_schema_is_refused_and_none_is_dropped(tmp_path: Path) -> None:
    study = simulated_study(tmp_path)
    table = pl.read_parquet(tmp_path / "people.parquet")
    table.with_columns(pl.when(pl.int_range(pl.len()) == 7).then(1e6).otherwise("b").alias("b")).write_parquet(
        tmp_path / "people.parquet"
    )
    with pytest.raises(BadInput) as caught:
        load(study)
    assert str(caught.value).endswith("b: should be a number from -50 to 50, got 1000000.0.")


def test_pitfall_groups_go_along_with_a_part_by_patient(tmp_path: Path) -> None:
    study = simulated_study(tmp_path, split=ByGroup(column="patient", shares=EVEN))
    parts = load(study).parts
    for part in parts.values():
        assert part.groups is not None
        assert len(part.groups) == len(part.columns)
        assert (np.bincount(part.groups)[1:] == 2).all()


def test_groups_go_along_with_a_part_by_date_too(tmp_path: Path) -> None:
    study = simulated_study(tmp_path, split=ByGroup(column="patient", shares=EVEN))
    split = ByDate(
        column="day",
        since="2020-03-01",
        certify_from="2020-03-15",
        test_from="2020-03-20",
        until="2020-03-31",
        before=ByGroup(column="patient", shares=Shares(training=0.7, validation=0.3, certification=0, test=0)),
    )
    table = pl.read_parquet(tmp_path / "people.parquet")
    days = pl.col("day").cast(pl.Int64) // 2 * 2 + 1
    table.with_columns(pl.format("2020-03-{}", days.cast(pl.String).str.zfill(2)).alias("day")).write_parquet(
        tmp_path / "people.parquet"
    )
    parts = load(study.model_copy(update={"split": split})).parts
    assert all(part.groups is not None for part in parts.values())
    assert all(part.groups is None for part in load(study.model_copy(update={"split": Random()})).parts.values())


def test_two_models_of_a_study_do_not_start_from_the_same_weights(tmp_path: Path) -> None:
    study = simulated_study(tmp_path, models=(model(), model(name="twin")))
    other = study.model_copy(update={"seed": 1})
    seeds = [_seed(which, made) for which in (study, other) for made in which.models]
    assert len(set(seeds)) == 4
    assert seeds == [_seed(which, made) for which in (study, other) for made in which.models]


# The default study, where its data is at hand


@pytest.fixture(scope="session")
def covid(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    if not os.environ.get("FULCRUM_DATA"):
        pytest.skip("FULCRUM_DATA is not set: the real COVID tests are not at hand")
    study, out = find_study("covid"), tmp_path_factory.mktemp("covid")
    loaded = load(study)
    return Trained(study, loaded, out, {made.name: run(study, made, loaded, out) for made in study.models})


def test_covid_has_the_rows_of_the_paper(covid: Trained) -> None:
    rows = {name: (len(part.columns), int(part.labels["infected"].sum())) for name, part in covid.loaded.parts.items()}
    march = [rows[name] for name in ("training", "validation", "certification")]
    assert (sum(count for count, _ in march), sum(sick for _, sick in march)) == (51_831, 4_769)
    assert rows["test"] == (47_401, 3_624)


def test_covid_ranks_the_test_week_as_well_as_the_paper_and_keeps_both_promises(covid: Trained) -> None:
    part = covid.loaded.parts["test"]
    for name in MODELS:
        bundle = covid.made[name].bundle
        scores = Scorer(bundle).score(part.columns)
        assert roc_auc_score(part.labels["infected"], scores.probability) >= 0.9
        evidence = bundle.manifest.evidence
        assert evidence is not None
        assert evidence.kept
    flagged = Scorer(covid.made["screen"].bundle).score(part.columns).positive
    assert recall_score(part.labels["infected"], flagged) >= 0.9
