"""A peer: one way of making a model of a table. Four kinds of them; a file of `peers/` is one."""

from __future__ import annotations

import abc
import importlib
import pkgutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.quality import fitted, peers
from benchmarks.quality.encoding import Encoded, encode
from benchmarks.quality.fitted import Fitted
from benchmarks.quality.runs import Run, file_of, held_out
from benchmarks.quality.scoring import logit
from benchmarks.quality.splits import Rows, Split, folds, split
from benchmarks.quality.table import Table
from models.errors import NoData

# (the encoded table, the rows to fit on, a seed) -> the model
Fit = Callable[[Encoded, Rows, int], Fitted]


@dataclass(frozen=True)
class Job:
    """What is asked of a peer: a table at a repeat. Runs of others lie in `folder`."""

    table: Table
    repeat: int
    folder: Path

    @property
    def split(self) -> Split:
        """The rows of this repeat."""
        return split(self.table, self.repeat)

    @property
    def seed(self) -> int:
        """Of whatever is drawn while fitting."""
        return 10 + self.repeat

    def of(self, peer: str) -> Run:
        """What another peer said of the same rows.

        Raises NoData if it has not run.
        """
        file = file_of(self.folder, self.table.name, self.repeat, peer)
        if not file.exists():
            raise NoData(f"{file}: should be there first, for others are made of it: run the peer {peer}.")
        return Run.read(file)


@dataclass(frozen=True)
class Peer(abc.ABC):
    """One way of making a model. `title` is how tables call it."""

    title: str

    @property
    def needs(self) -> tuple[str, ...]:
        """Peers whose runs it is made of, or has to wait for."""
        return ()

    @abc.abstractmethod
    def run(self, job: Job) -> Run:
        """Fit, and score the calibration and the test rows."""


@dataclass(frozen=True)
class HoldOut(Peer):
    """Fitted on the rows to fit on; thresholds are read off the calibration rows, which it never saw."""

    fit: Fit

    def run(self, job: Job) -> Run:
        rows, sick = job.split, job.table.sick
        begin = time.perf_counter()
        model = self.fit(encode(job.table, rows.fit), rows.fit, job.seed)
        seconds = time.perf_counter() - begin
        return held_out(
            "hold-out",
            calibration=model.score(rows.calibration),
            calibration_sick=sick[rows.calibration],
            test=model.score(rows.test),
            test_sick=sick[rows.test],
            seconds=seconds,
            size=model.bytes,
            latency=model.latency(rows.test),
        )


@dataclass(frozen=True)
class CrossFitted(Peer):
    """Five models, each of four fifths of all development rows; their mean is the model.

    Thresholds are read off out-of-fold scores, of one of the five each, and used on the mean: slightly outside what is
    proven, as is usual.
    """

    fit: Fit

    def run(self, job: Job) -> Run:
        rows, sick = job.split, job.table.sick
        begin = time.perf_counter()
        encoded = encode(job.table, rows.development)
        unseen = np.full(len(job.table), np.nan)
        models = []
        for learnt, held in folds(job.table, rows.development, job.repeat):
            model = self.fit(encoded, learnt, job.seed)
            unseen[held] = model.score(held)
            models.append(model)
        seconds = time.perf_counter() - begin
        together = fitted.mean(models)
        return held_out(
            "out-of-fold",
            calibration=unseen[rows.development],
            calibration_sick=sick[rows.development],
            test=together.score(rows.test),
            test_sick=sick[rows.test],
            seconds=seconds,
            size=together.bytes,
            latency=together.latency(rows.test),
        )


@dataclass(frozen=True)
class Blend(Peer):
    """The mean of the logits of other peers, which hold out the same rows."""

    parts: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        return self.parts

    def run(self, job: Job) -> Run:
        runs = [job.of(part) for part in self.parts]
        if len({run.thresholds for run in runs}) > 1:
            raise ValueError(
                f"{self.title}: parts should hold out the same rows, got {[run.thresholds for run in runs]}."
            )
        return held_out(
            runs[0].thresholds,
            calibration=_blended([run.calibration for run in runs]),
            calibration_sick=runs[0].calibration_sick,
            test=_blended([run.test for run in runs]),
            test_sick=runs[0].test_sick,
            seconds=sum(run.seconds for run in runs),
            size=sum(run.bytes for run in runs),
            latency=sum(run.latency for run in runs),
        )


def _blended(scores: list[fitted.Scores]) -> fitted.Scores:
    return np.asarray(1 / (1 + np.exp(-np.mean([logit(each) for each in scores], axis=0))))


def names() -> list[str]:
    """The peers that there are, one a file of `peers/`."""
    return sorted(module.name for module in pkgutil.iter_modules(peers.__path__))


def find_peer(name: str) -> Peer:
    """Import a peer.

    Raises NoData if there is none, or saying what to install.
    """
    if name not in names():
        raise NoData(f"{name}: should be one of {', '.join(names())}.")
    try:
        found: Peer = importlib.import_module(f"benchmarks.quality.peers.{name}").peer
    except ModuleNotFoundError as error:
        raise NoData(f"{name}: {error.name} is not installed: pip install '.[quality]'.") from None
    return found
