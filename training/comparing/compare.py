"""The comparison, top to bottom: candidates, cells, rankings, resamples, verdicts."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from models.comparison import PLAIN, Compared, Comparison
from models.errors import BadStudy
from training.comparing.bench import Bench
from training.comparing.candidates import candidates, definition, figures
from training.comparing.cells import PACKAGES, Cells
from training.comparing.dealing import Dealt, dealt_in_words
from training.comparing.measure import Ranking
from training.comparing.resampling import RESAMPLES, Judged, resample
from training.comparing.verdicts import verdicts
from training.comparing.workers import Workers
from training.run import Loaded
from training.study import Study


def compare(
    study: Study,
    loaded: Loaded,
    folder: Path,
    *,
    named: str,
    seeds: int = 5,
    jobs: int = 1,
    resamples: int = RESAMPLES,
    told: Callable[[int, str], None] = lambda _total, _state: None,
) -> Comparison:
    """Train every candidate on the same rows in every seed and compare them all with the plain model.

    Cells are kept in `folder`; `named` is how processes find the study; `told` hears how many cells there are and,
    a cell at a time, what became of one.

    Raises BadStudy if nothing can be compared, or the plain model can not be trained.
    """
    bench, asked = Bench.of(study, loaded, "comparison"), figures(study)
    dealt = tuple(bench.deal(seed) for seed in range(1, seeds + 1))
    share = float(bench.targets[dealt[0].fit].mean())
    compared = candidates(study, share=share)
    cells = Cells(folder, definition(study), loaded.digests)
    wanted = [(model, each.seed) for each in dealt for candidate in compared for model in candidate.models]
    total = len({cells.file(cell) for cell in wanted})
    with Workers(bench, "comparison", named=named, jobs=jobs) as workers:
        scores, reasons = cells.fill(wanted, workers, lambda state: told(total, state))
    refused = {
        candidate.name: reasons[file]
        for candidate in compared
        for model in candidate.models
        for each in dealt
        if (file := cells.file((model, each.seed))) in reasons
    }
    if PLAIN in refused:
        raise BadStudy(f"{study.name}: the plain model can not be trained. {refused[PLAIN]}")
    compared = tuple(candidate for candidate in compared if candidate.name not in refused)

    def judged(each: Dealt) -> Judged:
        targets = bench.targets[each.judge]
        ranked = {
            file: Ranking.of(scores[file], targets)
            for file in {cells.file((model, each.seed)) for candidate in compared for model in candidate.models}
        }
        return Judged(
            bench.pool.people[each.judge],
            {
                candidate.name: tuple(ranked[cells.file((model, each.seed))] for model in candidate.models)
                for candidate in compared
            },
        )

    drawn = resample(asked, [judged(each) for each in dealt], random_seed=study.seed, resamples=resamples)
    found = verdicts(asked, drawn)
    return Comparison(
        study=study.name,
        definition=definition(study),
        data=dict(loaded.digests),
        seeds=seeds,
        rows=round(float(np.mean([len(each.judge) for each in dealt]))),
        positives=round(float(np.mean([bench.targets[each.judge].sum() for each in dealt]))),
        people=len(np.unique(np.concatenate([bench.pool.people[each.judge] for each in dealt]))),
        dealt=dealt_in_words(dealt, grouped=study.split.group is not None),
        resamples=resamples,
        figures=asked,
        candidates=tuple(Compared(name=each.name, what=each.what, found=found[each.name]) for each in compared),
        refused=refused,
        versions={name: version(name) for name in PACKAGES},
    )
