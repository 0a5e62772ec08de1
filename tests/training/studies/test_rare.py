from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.scorer import Scorer
from training.labels import inputs
from training.run import Loaded, load, run
from training.sources.clinic import CAMERAS, SITES, Clinic
from training.studies.rare import study
from training.study import Budget

SMALL = study.model_copy(update={"source": Clinic(rows=8_000, prevalence=0.2)})


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(SMALL)


def test_one_of_a_thousand_is_sick() -> None:
    assert study.source == Clinic(rows=300_000, prevalence=0.001)


@pytest.mark.parametrize("confounding", [1.0, -3.0])
def test_every_row_of_a_clinic_may_be_asked(confounding: float) -> None:
    rows = Clinic(rows=100_000, prevalence=0.3, confounding=confounding, missing=0.3).read().rows
    seen = inputs(study, rows)
    assert seen.columns.shape == (100_000, 8)
    assert np.isnan(seen.columns).any(axis=0).tolist() == [False, True, True, True, False, False, False, False]


def test_no_model_sees_what_only_graders_or_the_simulation_know() -> None:
    hidden = {"site", "camera", "diagnosis", "true_risk", "new_vessels", "haemorrhages", "severity", "fluid"}
    assert not hidden & set(study.columns.names)
    assert set(study.columns.names) | hidden | {"patient_id", "visit", "date"} == set(study.source.read().rows.columns)


def test_visits_of_a_patient_are_in_one_part(loaded: Loaded) -> None:
    people = [set(part.table["patient_id"]) for part in loaded.parts.values()]
    assert sum(map(len, people)) == len(set.union(*people))
    assert len(loaded.parts["training"].columns) > len(people[0])


def test_the_screen_is_kept_from_knowing_the_site() -> None:
    against = [[term.against for term in model.terms] for model in study.models]
    assert ["site" in each for each in against] == [True, False]
    assert (len(SITES), len(CAMERAS)) == (6, 2)


@pytest.mark.parametrize("place", [0, 1])
def test_a_model_is_trained_certified_and_answers_with_every_sign(loaded: Loaded, place: int, tmp_path: Path) -> None:
    contract = (Recall(at_least=0.7), Precision(at_least=0.3, prevalence=0.2))[place]
    model = study.models[place].model_copy(
        update={
            "budget": Budget(epochs=3, batch=256),
            "contract": contract,
            "change_control": None,
            "sampling": SMALL.models[1].sampling,
        }
    )
    small = SMALL.model_copy(update={"models": (model,)})
    made = run(small, model, loaded, tmp_path).bundle
    test = loaded.parts["test"]
    scores = Scorer(made).score(test.columns)
    assert list(scores.symptoms) == ["vessels", "haemorrhages", "severity", "fluid"]
    assert np.corrcoef(scores.symptoms["vessels"], test.labels["vessels"])[0, 1] > 0.3
    assert np.corrcoef(scores.probability, test.table["true_risk"])[0, 1] > 0.7
    assert made.manifest.point.promises == contract.promises
