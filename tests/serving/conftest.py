"""One service for all tests that only ask it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models import graph
from models.bundle import write_bundle
from models.scorer import Scorer
from tests import handmade
from tests.running import ROOT, Server, environment, serving

MAX_ROWS, MAX_BYTES = 4000, 1_000_000


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both models; the threshold of `screen` is a probability that many people share."""
    folder = tmp_path_factory.mktemp("bundles")
    made, manifest = handmade.finished("screen")
    shared = float(Scorer(handmade.bundle(folder, "screen")).score_rows([handmade.rows(1)[0]]).probability[0])
    points = (manifest.point.model_copy(update={"threshold": shared}),)
    write_bundle(
        folder / "handmade" / "screen",
        model=graph.bake(made, threshold=shared),
        manifest=manifest.model_copy(update={"points": points}),
        card="# Hand-made\n",
    )
    return handmade.bundle(folder, "presurgical").folder.parent


@pytest.fixture(scope="session")
def server(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("service")
    variables = environment(
        folder,
        FULCRUM_BUNDLES=str(bundles),
        FULCRUM_MAX_ROWS=str(MAX_ROWS),
        FULCRUM_MAX_BYTES=str(MAX_BYTES),
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as running:
        yield running
