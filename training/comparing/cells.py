"""What was trained is kept, a file each, so that a comparison that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import training
from training.comparing.bench import Outcome
from training.comparing.workers import Workers
from training.model import Model

TRAINING = Path(training.__path__[0])
PACKAGES = ("torch", "numpy")
# What says nothing of how a model is trained.
ASIDE = {"name", "purpose", "alternatives", "change_control"}
Cell = tuple[Model, int]


@cache
def code() -> str:
    """SHA-256 of the code that trains: what other code trained is trained again, and nothing is mixed."""
    aside = {TRAINING / "comparing", TRAINING / "studies"}
    files = sorted(file for file in TRAINING.rglob("*.py") if aside.isdisjoint(file.parents))
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return whole.hexdigest()


@dataclass(frozen=True)
class Cells:
    """Scores by model and seed, in a folder, of one study and one state of its data."""

    folder: Path
    definition: str
    data: Mapping[str, str]

    def file(self, cell: Cell) -> Path:
        """Where the scores of a cell are, named by a digest of all that they depend on."""
        model, seed = cell
        told = {
            "code": code(),
            "study": self.definition,
            "data": dict(self.data),
            "model": model.model_dump(mode="json", exclude=ASIDE),
            "seed": seed,
            "versions": {name: version(name) for name in PACKAGES},
        }
        return self.folder / f"{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]}.npy"

    def get(self, cell: Cell) -> NDArray[np.float32] | None:
        """The scores, if they are there."""
        file = self.file(cell)
        return np.load(file, allow_pickle=False) if file.exists() else None

    def put(self, cell: Cell, scores: NDArray[np.float32]) -> None:
        """Keep scores, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.file(cell)
        draft = file.with_name(f"{file.stem}.{os.getpid()}.draft")
        with draft.open("wb") as open_file:
            np.save(open_file, scores, allow_pickle=False)
        draft.replace(file)

    def fill(
        self, wanted: Iterable[Cell], workers: Workers, progress: Callable[[str], None] = lambda _: None
    ) -> tuple[dict[Path, NDArray[np.float32]], dict[Path, str]]:
        """The scores of all cells by their files, trained where they are not there yet; and why some have none."""
        found: dict[Path, NDArray[np.float32]] = {}
        refused: dict[Path, str] = {}
        waiting: dict[Future[Outcome], Cell] = {}

        def take(done: Iterable[Future[Outcome]]) -> None:
            for future in done:
                cell, outcome = waiting.pop(future), future.result()
                if outcome.scores is None:
                    refused[self.file(cell)] = outcome.refused
                else:
                    self.put(cell, outcome.scores)
                    found[self.file(cell)] = outcome.scores
                progress(f"{outcome.seconds:.1f} s")

        for cell in {self.file(cell): cell for cell in wanted}.values():
            if (scores := self.get(cell)) is not None:
                found[self.file(cell)] = scores
                progress("there already")
            else:
                waiting[workers.train(*cell)] = cell
                take([future for future in waiting if future.done()])
        while waiting:
            take(wait(waiting, return_when=FIRST_COMPLETED).done)
        return found, refused
