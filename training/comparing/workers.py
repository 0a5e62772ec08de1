"""Candidates trained side by side, each process with one thread: many small networks, not one large one."""

from __future__ import annotations

import math
import multiprocessing
import os
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from types import TracebackType
from typing import Self

import torch

from training.comparing.bench import Bench, Outcome, Purpose
from training.model import Model
from training.run import load
from training.study import find_study

# What the process of a worker trains at; a process has one.
_own: dict[str, Bench] = {}


class Workers:
    """Trains models in `jobs` processes, which find the study by its name; with one job, here and at once."""

    def __init__(self, bench: Bench, purpose: Purpose, *, named: str, jobs: int) -> None:
        self.bench = bench
        self.pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            self.pool = ProcessPoolExecutor(
                jobs,
                # A forked process would inherit threads of torch that no longer run.
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_begin,
                initargs=(named, purpose),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            # What was asked for and not begun is dropped; what was begun comes to its end.
            self.pool.shutdown(wait=True, cancel_futures=True)

    def wait_until_ready(self) -> None:
        """Return once a process has read the study, so that the time that is given for training is for training."""
        if self.pool is not None:
            self.pool.submit(os.getpid).result()

    def train(self, model: Model, seed: int, *, until: float = math.inf) -> Future[Outcome]:
        """As `Bench.train`, later."""
        if self.pool is not None:
            # As text: a study file may hold classes of its own, which a process knows once it has read the file.
            return self.pool.submit(_train, model.model_dump_json(), seed, until)
        done: Future[Outcome] = Future()
        done.set_result(self.bench.train(model, seed, until=until))
        return done


def _begin(named: str, purpose: Purpose) -> None:
    """What a process does once: end with its parent, however that ends, and read the study."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def leave() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
    torch.set_num_threads(1)
    study = find_study(named)
    _own["bench"] = Bench.of(study, load(study), purpose)


def _train(model: str, seed: int, until: float) -> Outcome:
    return _own["bench"].train(Model.model_validate_json(model), seed, until=until)
