"""The prevalence told from scores alone, at many sites, by our way and by plainer ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from rich.progress import track
from scipy import special, stats

from benchmarks.site_prevalence.people import OWN, Floats, Site
from models.intervals import wilson
from models.likelihood_ratio import NotIdentified, kinds_of, line_of, logits_of, ratios_of
from models.prevalence import estimate, most_likely

CHUNK = 10
# So many sites of each kind are also answered by the slow loop.
SLOWLY = 2
# The interval claims 95 %; it is approximate, and below this it is taken for a fault.
CLAIMED, LEAST = 0.95, 0.93
BEYOND_CHANCE = 1e-3

PREVALENCES = {"1:2": 1 / 2, "1:10": 1 / 10, "1:50": 1 / 50, "1:200": 1 / 200, "1:1000": 1 / 1000}
SIZES = (200, 2_000, 20_000)
CERTIFIED_ON = ((60, 540), (1_000, 9_000))
SPREADS = (1.0, 1.5)


@dataclass(frozen=True)
class Told:
    """One site: the intervals of three ways, ours None where it refused, and how well the site fits."""

    ours: tuple[float, float, float] | None
    trusted: bool
    em: tuple[float, float]
    flagged: tuple[float, float]
    apart: float | None


def em(ratios: Floats, rows: Floats) -> float:
    """The iteration as Saerens, Latinne & Decaestecker write it, on likelihood ratios and rows that have them."""
    share = 0.5
    for _ in range(100_000):
        posterior = share * ratios / (share * ratios + 1 - share)
        share, before = float(rows @ posterior / rows.sum()), share
        if abs(share - before) < 1e-13:
            break
    return share


def once(site: Site, random: np.random.Generator, *, slowly: bool) -> Told:
    """Draw certification cases and people, and tell the prevalence in every way."""
    curve, people = site.certification(random), site.people(random)
    kinds = kinds_of(curve)
    distinct, rows = np.unique(logits_of(people.astype(np.float64)), return_counts=True)
    ratios = ratios_of(line_of(kinds)[None], (distinct - kinds.centre) / kinds.scale, kinds.odds)[0]
    share = float(most_likely(ratios[None], rows[None].astype(np.float64))[0])
    # The line taken for the truth: what the rows alone leave open.
    pull = (ratios - 1) / (1 - share + share * ratios)
    reach = float(special.ndtri((1 + CLAIMED) / 2) / np.sqrt(rows @ pull**2))
    flagged = wilson(int((people >= OWN).sum()), len(people))
    try:
        found = estimate(people, curve, seed=int(random.integers(2**31)))
    except NotIdentified:
        found = None
    return Told(
        ours=None if found is None else (found.value, found.low, found.high),
        trusted=found is not None and found.trusted,
        em=(share - reach, share + reach),
        flagged=(flagged.low, flagged.high),
        apart=abs(share - em(ratios, rows.astype(np.float64))) if slowly else None,
    )


def repeat(site: Site, seeds: Sequence[np.random.SeedSequence], first: int) -> list[Told]:
    """One site a seed."""
    return [once(site, np.random.default_rng(seed), slowly=first + place < SLOWLY) for place, seed in enumerate(seeds)]


@dataclass(frozen=True)
class Result:
    """All sites of some kinds that are told together."""

    name: str
    sites: tuple[Site, ...]
    told: tuple[Told, ...]

    @property
    def prevalence(self) -> float:
        return self.sites[0].prevalence

    @property
    def answered(self) -> list[tuple[float, float, float]]:
        return [one.ours for one in self.told if one.ours is not None]

    @property
    def held(self) -> int:
        """How many of the answers hold the truth."""
        return sum(low <= self.prevalence <= high for _, low, high in self.answered)

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share of answers that hold the truth (Clopper-Pearson, 95 %)."""
        found = stats.binomtest(self.held, max(len(self.answered), 1)).proportion_ci(method="exact")
        return float(found.low), float(found.high)

    @property
    def sound(self) -> bool:
        """Whether the truth is held often enough, chance set aside."""
        if not self.answered:
            return True
        tested = stats.binomtest(self.held, len(self.answered), LEAST, alternative="less")
        return bool(tested.pvalue >= BEYOND_CHANCE)

    def covered(self, way: str) -> float:
        """How often the interval of a plainer way holds the truth, at all sites."""
        found = [getattr(one, way) for one in self.told]
        return float(np.mean([low <= self.prevalence <= high for low, high in found]))

    @property
    def trusted(self) -> float:
        """Of the answers, the share that is trusted."""
        return float(np.mean([one.trusted for one in self.told if one.ours is not None] or [np.nan]))

    @property
    def median(self) -> tuple[float, float]:
        """The median estimate and the median width of its interval; NaN without an answer."""
        values = [(value, high - low) for value, low, high in self.answered] or [(np.nan, np.nan)]
        middle = np.median(values, axis=0)
        return float(middle[0]), float(middle[1])

    @property
    def apart(self) -> float:
        """How far the likeliest share lies from where the slow loop ends, at most."""
        return max((one.apart for one in self.told if one.apart is not None), default=0.0)


def where_it_holds() -> dict[str, tuple[Site, ...]]:
    """Sites that differ by their prevalence alone, of all sizes together."""
    return {
        f"{name}|{sick}|{spread}": tuple(Site(share, rows, sick, healthy, spread) for rows in SIZES)
        for (sick, healthy), spread, (name, share) in product(CERTIFIED_ON, SPREADS, PREVALENCES.items())
    }


OTHERWISE = {
    "nothing else": {},
    "the healthy score higher by 0.5": {"healthy_higher": 0.5},
    "the sick score lower by 0.7": {"sick_higher": -0.7},
    "the sick score higher by 0.7": {"sick_higher": 0.7},
    "half of the sick look healthy": {"unlike": 0.5},
}


def where_it_does_not() -> dict[str, tuple[Site, ...]]:
    """Sites whose people differ by more than their prevalence."""
    return {
        f"{name}|{share:.0%}": (Site(share, 5_000, 1_000, 9_000, **different),)
        for name, different in OTHERWISE.items()
        for share in (0.03, 0.2)
    }


def run(asked: dict[str, tuple[Site, ...]], repeats: int, seed: int) -> Iterator[Result]:
    """So many sites of every kind, shared among the processors."""
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        kinds = [(name, site) for name, sites in asked.items() for site in sites]
        jobs = []
        for place, (name, site) in enumerate(kinds):
            seeds = np.random.SeedSequence([seed, place]).spawn(repeats)
            jobs += [
                (name, pool.submit(repeat, site, seeds[start : start + CHUNK], start))
                for start in range(0, repeats, CHUNK)
            ]
        found: dict[str, list[Told]] = {name: [] for name in asked}
        for name, job in track(jobs, "sites, unlabelled"):
            found[name] += job.result()
    for name, sites in asked.items():
        yield Result(name, sites, tuple(found[name]))
