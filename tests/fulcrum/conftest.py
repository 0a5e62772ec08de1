"""One service for all tests of the client that only ask it, with people who may ask, turn, and ask seldom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.access import add_person
from tests.running import ROOT, Server, environment, serving
from tests.serving.conftest import MAX_ROWS, bundles

__all__ = ["bundles"]


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access") / "access.json"


@pytest.fixture(scope="module")
def tokens(access: Path) -> dict[str, str]:
    """Of ada, who may ask and turn, of bo, who may ask, of cy, who may ask once a second, and of dee, who may not."""
    return {
        "ada": add_person(access, "ada", ["predict", "tune"]),
        "bo": add_person(access, "bo", ["predict"]),
        "cy": add_person(access, "cy", ["predict"], rate=1.0),
        "dee": add_person(access, "dee", ["audit"]),
    }


@pytest.fixture(scope="module")
def server(
    bundles: Path, access: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("client")
    variables = environment(
        folder, FULCRUM_BUNDLES=str(bundles), FULCRUM_ACCESS=str(access), FULCRUM_MAX_ROWS=str(MAX_ROWS)
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as running:
        yield running
