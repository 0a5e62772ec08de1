"""Where a fault happens: a service, what it keeps, and who asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.pace import post
from serving.access import add_person
from tests import handmade
from tests.handmade import CHANGE_CONTROL
from tests.postgres import Postgres
from tests.releases import released
from tests.running import Server, environment, serving, workers

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "robustness.md"
BODIES, ROWS = 64, 3
FORESEEN = CHANGE_CONTROL.model_copy(update={"criteria": ()})


@dataclass(frozen=True)
class Place:
    """A running service of two workers, its folder, its store, and a token with every role."""

    server: Server
    folder: Path
    store: str
    token: str
    database: Postgres | None = None

    @property
    def requests(self) -> list[bytes]:
        """What it is asked."""
        people = [handmade.rows(ROWS, seed) for seed in range(BODIES)]
        bearer = f"Authorization: Bearer {self.token}"
        return [post("/screen", json.dumps({"rows": rows}).encode(), bearer) for rows in people]

    @property
    def parent(self) -> psutil.Process:
        """The process that watches the workers."""
        port = self.server.url.rpartition(":")[2]
        (found,) = [each for each in psutil.Process().children() if port in each.cmdline()]
        return found


@contextmanager
def opened(
    folder: Path, store: str, database: Postgres | None = None, *, count: int = 2, **variables: str
) -> Iterator[Place]:
    """A service of so many workers in `folder` with this store, which may be in a database."""
    bundles = folder / "bundles"
    for model in ("screen", "presurgical"):
        released(bundles / model, model=model, change_control=FORESEEN)
    token = add_person(folder / "access.json", "faults", ["predict", "tune", "audit"])
    settings = {"FULCRUM_BUNDLES": str(bundles), "FULCRUM_ACCESS": str(folder / "access.json"), "FULCRUM_STORE": store}
    told = environment(folder, PYTHONPATH=str(ROOT), **settings, **workers(count), **variables)
    with ExitStack() as ends:
        log = folder / "log"
        begun = serving("serving.service:Screening", variables=told, folder=folder, bundles=bundles, log=log)
        yield Place(ends.enter_context(begun), folder, store, token, database)
