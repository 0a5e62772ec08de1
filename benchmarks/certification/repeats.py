"""Certifying over and over, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rich.progress import track
from scipy import stats

from benchmarks.certification import mapie_way
from benchmarks.certification.mapie_way import Grid, Method
from benchmarks.certification.world import LESS_IS_BETTER, Point, World

CHUNK = 20
# What chance alone would reach less often than this is taken for a fault.
BEYOND_CHANCE = 1e-3
CERTIFIED, NAIVE, IDEAL = "certified", "naive", "ideal"
MAPIE: Mapping[str, tuple[Grid, Method]] = {
    "MAPIE, default": ("its default", "bonferroni_holm"),
    "MAPIE, quantiles of all": ("quantiles of all", "bonferroni_holm"),
    "MAPIE, quantiles of the sick": ("quantiles of the sick", "bonferroni_holm"),
    "MAPIE, of the sick, in sequence": ("quantiles of the sick", "fixed_sequence"),
}


@dataclass(frozen=True)
class Did:
    """What a chosen point truly does: the figure of each promise, whether one is broken, and the yardstick."""

    figures: tuple[float, ...]
    broken: bool
    worth: float


def did(world: World, point: Point | None) -> Did | None:
    """What a point truly does; None of none."""
    if point is None:
        return None
    figures = world.figures(point)
    kept = [promise.met_by(figure) for promise, figure in zip(world.contract.promises, figures, strict=True)]
    return Did(figures, not all(kept), world.worth(point))


def ways(world: World) -> list[str]:
    """How points are chosen in this world; MAPIE's where it knows the rule, on fine scores.

    Its fixed sequence needs a figure that only rises or only falls, which a precision need not.
    """
    if world.rule not in {"Recall", "Specificity", "Precision"} or world.population.tied:
        return [CERTIFIED, NAIVE]
    return [CERTIFIED, NAIVE, *(way for way, (_, method) in MAPIE.items() if _known(world, method))]


def _known(world: World, method: Method) -> bool:
    return world.rule != "Precision" or method != "fixed_sequence"


def once(world: World, random: np.random.Generator) -> dict[str, Did | None]:
    """Fresh people, the points that each way chooses on them, and what these truly do."""
    cases = world.draw(random)
    guide = world.draw(random) if world.guided else None
    points = {CERTIFIED: world.certified(cases, guide), NAIVE: world.naive(cases)}
    for way in ways(world)[2:]:
        found = mapie_way.threshold(world.contract.promises[0], cases.curve, *MAPIE[way])
        points[way] = None if found is None else Point(found, found)
    return {way: did(world, point) for way, point in points.items()}


def repeat(world: World, seeds: list[np.random.SeedSequence]) -> list[dict[str, Did | None]]:
    """Certify once a seed, each time on fresh people."""
    return [once(world, np.random.default_rng(seed)) for seed in seeds]


@dataclass(frozen=True)
class Result:
    """All repeats of one world, by way."""

    world: World
    outcomes: Mapping[str, tuple[Did | None, ...]]

    @property
    def repeats(self) -> int:
        return len(self.outcomes[CERTIFIED])

    def found(self, way: str) -> list[Did]:
        """What the points did, where one was chosen."""
        return [one for one in self.outcomes[way] if one is not None]

    def broken(self, way: str) -> int:
        """How many of the chosen points break a promise; a refusal breaks none."""
        return sum(one.broken for one in self.found(way))

    def worth(self, way: str) -> float:
        """The mean yardstick of the chosen points; NaN if there is none."""
        found = [one.worth for one in self.found(way)]
        return float(np.mean(found)) if found else float("nan")

    @cached_property
    def ideal(self) -> Did | None:
        """What one who knows the truth would reach."""
        return did(self.world, self.world.ideal())

    @property
    def risk(self) -> float:
        """The share of repeats in which the promises may be broken."""
        return 1 - self.world.contract.confidence

    @property
    def sound(self) -> bool:
        """Whether promises were not broken more often than allowed, chance set aside."""
        tested = stats.binomtest(self.broken(CERTIFIED), self.repeats, self.risk, alternative="greater")
        return bool(tested.pvalue >= BEYOND_CHANCE)

    def behind(self, way: str) -> bool:
        """Whether certified points are worse than those of another way, beyond chance, where both chose one."""
        pairs = [
            (one.worth, other.worth)
            for one, other in zip(self.outcomes[CERTIFIED], self.outcomes[way], strict=True)
            if one is not None and other is not None
        ]
        sign = 1 if self.world.yardstick in LESS_IS_BETTER else -1
        differences = np.array([sign * (one - other) for one, other in pairs])
        if len(differences) < 2 or np.ptp(differences) == 0:
            return bool(len(differences) and differences[0] > 0)
        tested = stats.ttest_1samp(differences, 0.0, alternative="greater")
        return bool(tested.pvalue < BEYOND_CHANCE)


def run(asked: list[World], repeats: int, seed: int, processes: int) -> Iterator[Result]:
    """Every world in turn, its repeats shared among the processes."""
    with ProcessPoolExecutor(max_workers=processes) as pool:
        for place, world in enumerate(asked):
            seeds = np.random.SeedSequence([seed, place]).spawn(repeats)
            chunks = [seeds[start : start + CHUNK] for start in range(0, repeats, CHUNK)]
            done = pool.map(repeat, [world] * len(chunks), chunks)
            outcomes = [outcome for chunk in track(done, f"{world.name:46}", len(chunks)) for outcome in chunk]
            yield Result(world, {way: tuple(outcome[way] for outcome in outcomes) for way in ways(world)})
