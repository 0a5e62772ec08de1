"""Paired bootstrap by person and by seed: what a difference could have been with other people, and other luck."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.comparison import Figure
from training.comparing.measure import Ranking, measure

RESAMPLES = 2000
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True)
class Judged:
    """One seed: the person of each judged row [rows], and every candidate's ranking of these rows for each figure."""

    people: NDArray[np.int64]
    rankings: Mapping[str, tuple[Ranking, ...]]


@dataclass(frozen=True)
class Resampled:
    """Figures as measured, [candidates, figures, seeds], and in every resample, [resamples, candidates, figures]."""

    names: tuple[str, ...]
    measured: NDArray[np.float64]
    drawn: NDArray[np.float64]


def resample(
    figures: Sequence[Figure],
    seeds: Sequence[Judged],
    *,
    random_seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Callable[[], None] = lambda: None,
) -> Resampled:
    """Draw people and seeds with replacement, the same for all candidates, and measure all of them again.

    A person keeps as many copies in every seed in which she is judged. A figure of a resample is the mean over its
    seeds. Drawing both is what keeps a difference that only some people, or only some seeds, bear out from being
    taken for more (the pigeonhole bootstrap, which is wide rather than narrow).

    Source: Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007.
    """
    names = tuple(seeds[0].rankings)
    random = np.random.default_rng(random_seed)
    people = 1 + max(int(judged.people.max()) for judged in seeds)
    there = np.unique(np.concatenate([judged.people for judged in seeds]))
    whole = [_measured(figures, judged, names, None) for judged in seeds]
    assert all(found is not None for found in whole)
    drawn: list[NDArray[np.float64]] = []
    while len(drawn) < resamples:
        copies = np.bincount(random.choice(there, size=len(there)), minlength=people)
        chosen = random.integers(len(seeds), size=len(seeds)).tolist()
        of_seed = {
            seed: _measured(figures, seeds[seed], names, copies[seeds[seed].people]) for seed in sorted(set(chosen))
        }
        found = [of_seed[seed] for seed in chosen]
        # Without people of both kinds there is nothing to measure: that draw is made again.
        if all(each is not None for each in found):
            drawn.append(np.mean([each for each in found if each is not None], axis=0))
            progress()
    return Resampled(names, np.stack([each for each in whole if each is not None], axis=-1), np.stack(drawn))


def _measured(
    figures: Sequence[Figure], judged: Judged, names: Sequence[str], copies: NDArray[np.int64] | None
) -> NDArray[np.float64] | None:
    """Every candidate's figures [candidates, figures] in one seed; None where one kind of people is missing."""
    # One model may answer for several figures: it is counted once.
    distinct = {id(ranking): ranking for name in names for ranking in judged.rankings[name]}
    counts = {key: ranking.counts(copies) for key, ranking in distinct.items()}
    found = [
        [measure(figure, *counts[id(ranking)]) for figure, ranking in zip(figures, judged.rankings[name], strict=True)]
        for name in names
    ]
    return None if any(each is None for row in found for each in row) else np.array(found, dtype=np.float64)


def interval(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of resampled figures [resamples]."""
    low, high = np.quantile(drawn, (LOW, HIGH))
    return float(low), float(high)


def chance(drawn: NDArray[np.float64]) -> float:
    """Two-sided chance of a difference this far from 0, from resampled differences [resamples].

    >>> chance(np.array([0.1, 0.2, 0.3, -0.1])), chance(np.zeros(4))
    (0.8, 1.0)
    """
    beyond = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return float(min(1.0, 2 * (beyond + 1) / (len(drawn) + 1)))
