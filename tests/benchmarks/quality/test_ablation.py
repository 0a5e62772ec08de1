from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.ablation import UNSEEN, VARIANTS, WHOLE, _study, run
from benchmarks.quality.peer import Job
from benchmarks.quality.results import figures
from tests.benchmarks.quality.small_table import small_table


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return Job(small_table(), 0, tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_a_study_of_its_own_with_one_thing_changed(name: str, job: Job, tmp_path: Path) -> None:
    recipe = _study(job, tmp_path)
    study = VARIANTS[name](recipe)
    assert (study == recipe) is (name in {WHOLE, UNSEEN})
    (model,), (before,) = study.models, recipe.models
    # What is asked for stays.
    assert (model.contract, study.columns, study.outcome) == (before.contract, recipe.columns, recipe.outcome)


@pytest.mark.parametrize("name", ["dealt once", "a part set aside to certify on, and one to stop by"])
def test_a_variant_is_trained_and_scored_like_any_peer(name: str, job: Job) -> None:
    found = run(job, name)
    crossed = name == "dealt once"
    assert found.thresholds == ("out-of-fold" if crossed else "hold-out")
    # Every row of the development part is certified on, or those that were set aside.
    certified = len(job.split.development) if crossed else round(0.3 * len(job.split.development))
    assert len(found.calibration) == pytest.approx(certified, abs=1)
    assert len(found.test) == len(job.split.test)
    assert ((found.test >= 0) & (found.test <= 1)).all()
    told = figures(found)
    assert told["area"] == pytest.approx(np.clip(float(told["area"] or 0), 0.6, 1.0))
