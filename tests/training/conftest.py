from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from training.run import Loaded, Made, load, run
from training.study import Study, find_study


@dataclass(frozen=True)
class Trained:
    """The shipped study `breast`, its data, and what was made of it in `out`."""

    study: Study
    loaded: Loaded
    out: Path
    made: dict[str, Made]


@pytest.fixture(scope="session")
def breast(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    study, out = find_study("breast"), tmp_path_factory.mktemp("breast")
    loaded = load(study)
    return Trained(study, loaded, out, {model.name: run(study, model, loaded, out) for model in study.models})
