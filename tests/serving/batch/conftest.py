from __future__ import annotations

from pathlib import Path

import pytest

from models.bundle import open_bundle
from models.scorer import Scorer
from tests import handmade


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds screen/, presurgical/ and zoned/."""
    folder = tmp_path_factory.mktemp("batch-bundles")
    for name in ("screen", "presurgical", "zoned"):
        handmade.bundle(folder, name)
    return folder / "handmade"


@pytest.fixture(scope="session")
def screen(models: Path) -> Scorer:
    return Scorer(open_bundle(models / "screen"))


@pytest.fixture(scope="session")
def presurgical(models: Path) -> Scorer:
    return Scorer(open_bundle(models / "presurgical"))
