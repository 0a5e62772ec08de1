from __future__ import annotations

import pytest

from models.scorer import Scorer
from tests import handmade


@pytest.fixture(scope="module")
def scorers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scorer]:
    """A scorer of each hand-made model."""
    folder = tmp_path_factory.mktemp("bundles")
    return {model: Scorer(handmade.bundle(folder, model)) for model in handmade.CONTRACTS}
