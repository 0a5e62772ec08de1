"""One service for all tests that only ask it, and bundles whose live points may be turned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models import graph
from models.bundle import write_bundle
from models.change_control import ChangeControl
from models.contracts.recall import Recall
from models.contracts.rule_in_out import RuleInOut
from models.contracts.specificity import Specificity
from models.grouping import subgroups
from models.scorer import Graph, Scorer
from serving.access import add_person
from tests import handmade
from tests.postgres import NoPostgres, Postgres, postgres
from tests.running import ROOT, Server, environment, serving

MAX_ROWS, MAX_BYTES = 4000, 1_000_000
CONTROL = ChangeControl(lowest=0.02, highest=0.9, criteria=(Recall(at_least=0.7),), prevalences=(0.02, 0.7))
ZONE = RuleInOut(rule_in=Specificity(at_least=0.9), rule_out=Recall(at_least=0.95))


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both models; the threshold of `screen` is a probability that many people share.

    The changes of `screen` that CONTROL names are foreseen, of `presurgical` none; `screen` has a further point with
    a zone in which it does not decide, and subgroups.
    """
    folder = tmp_path_factory.mktemp("bundles")
    made, manifest = handmade.finished("screen")
    shared = float(Scorer(handmade.bundle(folder, "screen")).score_rows([handmade.rows(1)[0]]).probability[0])
    point = manifest.point.model_copy(update={"threshold": shared, "clear_below": shared})
    zone = ZONE.choose(manifest.curve, guide=manifest.curve).model_copy(update={"name": "three-way"})
    columns = handmade.encoded(4000, seed=1)
    groups = subgroups(
        {"eye": np.where(columns[:, 3] == 0, "left", "right")},
        Graph(graph.as_bytes(made)).run(columns)["probability"],
        handmade.targets(columns, seed=1).astype(np.float32),
        prevalence=manifest.prevalence,
    )
    further = {"points": (point, zone), "groups": groups, "change_control": CONTROL}
    write_bundle(
        folder / "handmade" / "screen",
        model=graph.bake(made, threshold=shared),
        manifest=manifest.model_copy(update=further),
        card="# Hand-made\n",
    )
    return handmade.bundle(folder, "presurgical").folder.parent


@pytest.fixture(scope="session")
def server(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose live points nobody turns."""
    folder = tmp_path_factory.mktemp("service")
    variables = environment(
        folder,
        FULCRUM_BUNDLES=str(bundles),
        FULCRUM_MAX_ROWS=str(MAX_ROWS),
        FULCRUM_MAX_BYTES=str(MAX_BYTES),
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as running:
        yield running


@pytest.fixture(scope="session")
def access(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access") / "access.json"


@pytest.fixture(scope="session")
def tokens(access: Path) -> dict[str, str]:
    """The tokens of ada, who may turn the point, and of bo, who may not; both may ask."""
    return {"ada": add_person(access, "ada", ["predict", "tune"]), "bo": add_person(access, "bo", ["predict", "audit"])}


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    try:
        with postgres() as running:
            yield running
    except NoPostgres as reason:
        pytest.skip(str(reason))
