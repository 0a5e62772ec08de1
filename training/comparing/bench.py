"""Where candidates are trained: the study, the rows that may be dealt, and how."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.errors import FulcrumError
from training.comparing.dealing import FIT, STOP, Dealt, Pool, Rows, apart, deal, for_search, pool, without_test
from training.fit import Epoch
from training.model import Model
from training.run import Loaded
from training.split import Split
from training.study import Study
from training.taught import taught

Purpose = Literal["comparison", "search"]


class OutOfTime(Exception):
    """Training was given up because the time for it is over."""


@dataclass(frozen=True)
class Outcome:
    """Scores of the judged rows, float32 [rows], and after how many seconds; or why there are none.

    Without scores and without a reason there was no time left.
    """

    scores: NDArray[np.float32] | None
    seconds: float
    refused: str = ""


@dataclass(frozen=True)
class Bench:
    """A study with the pool of its rows that may be dealt, and the split that deals them.

    `judged` are the rows of the pool to judge by in every seed; None if they are dealt too.
    """

    study: Study
    pool: Pool
    split: Split
    judged: Rows | None = None

    @classmethod
    def of(cls, study: Study, loaded: Loaded, purpose: Purpose) -> Bench:
        """A comparison deals training, validation and certification part; a search the first two alone.

        Where every row teaches, a search judges by the people that nothing is certified on.

        Raises BadStudy if it is to search and there are none.
        """
        if loaded.crossed is not None:
            every = pool(study, loaded.parts, (FIT,))
            judged = apart(every, loaded.crossed.places) if purpose == "search" else None
            return cls(study, every, for_search(study), judged)
        if purpose == "search":
            return cls(study, pool(study, loaded.parts, (FIT, STOP)), for_search(study))
        return cls(study, pool(study, loaded.parts), without_test(study.split))

    @property
    def targets(self) -> NDArray[np.float32]:
        """Who of the pool is sick, float32 [rows]."""
        return self.pool.data.labels[self.study.outcome.name]

    def deal(self, seed: int) -> Dealt:
        """The rows of one seed."""
        return deal(self.split, self.pool, self.study.outcome.name, seed, judged=self.judged)

    def train(self, model: Model, seed: int, *, until: float = math.inf) -> Outcome:
        """Fit and stop a model on the rows of a seed, and score those it is judged by.

        `until` is the time, in seconds since the epoch, at which training is given up.
        """
        begun = time.monotonic()

        def in_time(_: Epoch) -> None:
            if time.time() > until:
                raise OutOfTime

        dealt, head = self.deal(seed), self.study.outcome.name
        try:
            fitted = taught(self.study, model, self.pool.parts(dealt), seed=seed, progress=in_time)
            answers = fitted.net.answers(self.pool.data.inputs[dealt.judge], [head])
        except OutOfTime:
            return Outcome(None, time.monotonic() - begun)
        except (FulcrumError, ValueError) as error:
            return Outcome(None, time.monotonic() - begun, str(error))
        scores = answers[head].numpy().astype(np.float32)
        if not np.isfinite(scores).all():
            return Outcome(None, time.monotonic() - begun, f"seed {seed}: its scores are not finite numbers")
        return Outcome(scores, time.monotonic() - begun)
