"""Models of a search: asked of Optuna, dealt and judged a few times, and told to it."""

from __future__ import annotations

import math
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import Trial, TrialState

from models.contract import Contract
from models.curve import Curve
from models.errors import BadStudy
from training.comparing.bench import Bench, Outcome
from training.comparing.space import suggested
from training.comparing.workers import Workers
from training.model import Model
from training.study import Study

DEALS = 3
AS_IT_IS, MODEL, REFUSED = "as it is", "model", "refused"
# Of so many trials the median is known well enough to give up what lies below it.
PRUNED_FROM = 10


@dataclass(frozen=True)
class Best:
    """The best model that was found, or the model as it was if none was better."""

    model: Model
    region: float
    as_it_is: float
    tried: int

    def __str__(self) -> str:
        """In words."""
        found = f"{self.region:.4f}" if self.region > self.as_it_is else "none that is better"
        return (
            f"{self.model.name}: {self.as_it_is:.4f} in its operating region as it is, {found} among {self.tried}"
            " models tried."
        )


@dataclass
class Trying:
    """One model on its way through the deals."""

    model: Model
    trial: Trial
    regions: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Searched:
    """One model's search: what it starts from, where trials are kept, and who trains them."""

    study: Study
    bench: Bench
    base: Model
    kept: optuna.Study
    workers: Workers

    def take_up(self) -> int:
        """Go on with what an earlier search left, and say how many models it tried: those interrupted come first."""
        for trial in self.kept.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self.kept.tell(trial.number, state=TrialState.FAIL)
            self.kept.enqueue_trial(trial.params)
        tried = len(self.kept.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))
        # Another seed each time: the same one would suggest the same models again.
        self.kept.sampler = optuna.samplers.TPESampler(seed=(self.study.seed * 1009 + tried) % 2**31)
        self.kept.pruner = optuna.pruners.MedianPruner(n_startup_trials=PRUNED_FROM)
        return tried

    def judge_as_it_is(self) -> None:
        """The model as it is, judged as all others are, however long that takes; what is found has to be better.

        Raises BadStudy if it can not be trained.
        """
        if AS_IT_IS in self.kept.user_attrs:
            return
        deals = [self.workers.train(self.base, seed) for seed in range(1, DEALS + 1)]
        regions = []
        for seed, future in enumerate(deals, 1):
            outcome = future.result()
            if outcome.scores is None:
                raise BadStudy(f"models.{self.base.name}: can not be trained as it is: {outcome.refused}")
            regions.append(self._region(outcome.scores, seed))
        self.kept.set_user_attr(AS_IT_IS, float(np.mean(regions)))

    def ask(self) -> Trying:
        """A further model."""
        trial = self.kept.ask()
        model = suggested(trial, self.study, self.base)
        trial.set_user_attr(MODEL, model.model_dump_json())
        return Trying(model, trial)

    def begin(self, trying: Trying, until: float) -> Future[Outcome]:
        """Train it on its next deal, and give it up at `until`, in seconds since the epoch."""
        return self.workers.train(trying.model, len(trying.regions) + 1, until=until)

    def heard(self, trying: Trying, outcome: Outcome) -> str | None:
        """Take what a deal came to: None if the next one is to follow, else a line if there is something to say."""
        trial = trying.trial
        if outcome.scores is None:
            self.kept.tell(trial, state=TrialState.FAIL)
            if outcome.refused:
                return f"{self.base.name}: model {trial.number} could not be trained. {outcome.refused}"
            self.kept.enqueue_trial(trial.params)
            return ""
        seed = len(trying.regions) + 1
        trying.regions.append(self._region(outcome.scores, seed))
        mean = float(np.mean(trying.regions))
        trial.report(mean, seed)
        if seed == DEALS:
            self.kept.tell(trial, mean)
            return f"{self.base.name}: model {trial.number}, {mean:.4f}, best {self.kept.best_value:.4f}."
        if trial.should_prune():
            self.kept.tell(trial, state=TrialState.PRUNED)
            return ""
        return None

    def best(self) -> Best:
        """The best so far."""
        as_it_is = float(self.kept.user_attrs[AS_IT_IS])
        complete = self.kept.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        tried = len(complete) + len(self.kept.get_trials(deepcopy=False, states=(TrialState.PRUNED,)))
        top = max(complete, key=lambda trial: trial.value or -math.inf, default=None)
        if top is None or top.value is None or top.value <= as_it_is:
            return Best(self.base, as_it_is, as_it_is, tried)
        return Best(Model.model_validate_json(top.user_attrs[MODEL]), top.value, as_it_is, tried)

    def _region(self, scores: NDArray[np.float32], seed: int) -> float:
        return region(self.base.contract, scores, self.bench.targets[self.bench.deal(seed).judge])


def region(contract: Contract, scores: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
    """The operating region of a contract, for scores [rows] of any unit: only their order counts."""
    places = np.unique(scores, return_inverse=True)[1]
    # A probability has 24 bits: so many different ranks it tells apart, and rows are fewer.
    return contract.region(Curve.of((places / max(places.max(), 1)).astype(np.float32), targets))
