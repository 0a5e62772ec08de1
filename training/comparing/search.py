"""A search for models that do better in the operating region; it can be interrupted and goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

import optuna

from models.errors import BadStudy
from training.comparing.bench import Bench, Outcome
from training.comparing.candidates import definition
from training.comparing.cells import code
from training.comparing.trying import Best, Searched, Trying
from training.comparing.workers import Workers
from training.model import Model
from training.run import Loaded
from training.study import Study

STORE = "search.sqlite"


def search(
    study: Study,
    loaded: Loaded,
    folder: Path,
    *,
    named: str,
    seconds: float,
    jobs: int = 1,
    only: str | None = None,
    most: int | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[Best, ...]:
    """Search each model of the study, or `only` one, in an equal share of the time; `most` models are tried of each.

    A model is as good as its contract's operating region on rows it was neither fitted on nor stopped by, mean over
    a few ways to deal the training and the validation part; certification and test part are never looked at. Trials
    are kept in `folder`, by a digest of study, data and code, so that a further search goes on with them. One
    search at a time: what another one left under way is taken for interrupted.

    Raises BadStudy if there is no such model, or the model as it is can not be trained: it is judged first, and the
    time begins after it.
    """
    wanted = [model for model in study.models if only in {None, model.name}]
    if not wanted:
        raise BadStudy(f"--only: should be one of {', '.join(each.name for each in study.models)}, got {only}.")
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / STORE}", {"connect_args": {"timeout": 60}})
    bench = Bench.of(study, loaded, "search")
    found = []
    with Workers(bench, "search", named=named, jobs=jobs) as workers:
        workers.wait_until_ready()
        for model in wanted:
            told(f"{model.name}: {seconds / len(wanted):.0f} s to search.")
            kept = optuna.create_study(
                storage=storage, study_name=_called(study, model, loaded), direction="maximize", load_if_exists=True
            )
            found.append(_run(Searched(study, bench, model, kept, workers), seconds / len(wanted), jobs, most, told))
    storage.remove_session()
    storage.engine.dispose()
    return tuple(found)


def _called(study: Study, model: Model, loaded: Loaded) -> str:
    """What trials are kept under: other data, another study or other code start anew."""
    told = json.dumps([definition(study), dict(loaded.digests), code()], sort_keys=True)
    return f"{model.name} {hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _run(searched: Searched, seconds: float, jobs: int, most: int | None, told: Callable[[str], None]) -> Best:
    """Keep as many models under way as there are jobs, until the time is over or enough were tried."""
    if left := searched.take_up():
        told(f"{searched.base.name}: goes on after {left} models.")
    searched.judge_as_it_is()
    until, begun = time.time() + seconds, 0
    under_way: dict[Future[Outcome], Trying] = {}
    while True:
        while len(under_way) < jobs and time.time() < until and begun != most:
            trying, begun = searched.ask(), begun + 1
            under_way[searched.begin(trying, until)] = trying
        if not under_way:
            return searched.best()
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            trying = under_way.pop(future)
            if (line := searched.heard(trying, future.result())) is None:
                under_way[searched.begin(trying, until)] = trying
            elif line:
                told(line)
