"""How often an interval that claims 95 % holds the truth, on drawn counts of which the truth is known.

`python -m benchmarks.interval_coverage` draws the counts of a model 20,000 times in each of many places (true recall,
true false-positive rate, positives, negatives), measures precision, negative predictive value, the share flagged and
net benefit, writes docs/intervals.md, and exits with 1 if an interval covers the truth in less than 94 % in any place.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy import special

from models.curve import Counts
from models.intervals import Estimate, Limits, flagged_share, npv_at, precision_at
from models.net_benefit import net_benefit

CLAIMED, LEAST = 0.95, 0.94
Z = float(special.ndtri((1 + CLAIMED) / 2))
RECALLS = (0.5, 0.7, 0.85, 0.95, 0.99)
ALARM_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
POSITIVES = (20, 50, 100, 200, 500)
NEGATIVES = (200, 500, 2_000, 5_000, 20_000)
# None is the share of positives among the cases themselves.
PREVALENCES = {"own": None, "1:2": 0.5, "1:10": 0.1, "1:1000": 0.001}
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Place:
    """A model of which the truth is known, and how many cases it is measured on."""

    recall: float
    alarmed: float
    positives: int
    negatives: int

    def __str__(self) -> str:
        return (
            f"recall {self.recall:g}, false-positive rate {self.alarmed:g}, "
            f"{self.positives} sick, {self.negatives:,} healthy"
        )

    def draw(self, random: np.random.Generator, repeats: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct pairs of hits and alarms [pairs, 2], and how often each was drawn [pairs]."""
        hits = random.binomial(self.positives, self.recall, repeats)
        alarms = random.binomial(self.negatives, self.alarmed, repeats)
        pairs, times = np.unique(np.stack([hits, alarms], axis=1), axis=0, return_counts=True)
        return pairs, times


@dataclass(frozen=True)
class Coverage:
    """How often one interval held the truth in one place."""

    interval: str
    place: Place
    share: float


def places() -> list[Place]:
    """Every combination of truths and numbers of cases."""
    return [Place(*four) for four in itertools.product(RECALLS, ALARM_RATES, POSITIVES, NEGATIVES)]


def measured(place: Place, seed: list[int], repeats: int) -> list[Coverage]:
    """How often each interval holds the truth in one place."""
    pairs, times = place.draw(np.random.default_rng(seed), repeats)
    return [
        Coverage(name, place, float(times @ covers(place, pairs) / repeats)) for name, covers in intervals().items()
    ]


def intervals() -> dict[str, Callable[[Place, NDArray[np.int64]], Booleans]]:
    """By name, what says for each pair of hits and alarms whether its interval holds the truth."""
    ours = {
        f"{figure.__name__} at {name}": partial(held, figure, prevalence=prevalence)
        for figure in (precision, npv, flagged, benefit)
        for name, prevalence in PREVALENCES.items()
    }
    others = {
        "precision, logit": partial(logit_holds, of_negatives=False),
        "precision, score": partial(score_holds, of_negatives=False),
        "npv, logit": partial(logit_holds, of_negatives=True),
        "npv, score": partial(score_holds, of_negatives=True),
    }
    return ours | others


Figure = Callable[[Place, int, int, float], tuple[float, Estimate | Limits]]


def held(figure: Figure, place: Place, pairs: NDArray[np.int64], *, prevalence: float | None) -> Booleans:
    """Whether the interval of `figure` holds the truth for each pair."""
    at = place.positives / (place.positives + place.negatives) if prevalence is None else prevalence
    covered = []
    for hits, alarms in pairs.tolist():
        truth, found = figure(place, hits, alarms, at)
        # A float's last bits, so that a limit exactly on the truth holds it.
        covered.append(found.low - 1e-12 <= truth <= found.high + 1e-12)
    return np.array(covered)


def precision(place: Place, hits: int, alarms: int, prevalence: float) -> tuple[float, Estimate]:
    """True precision, and as measured."""
    sick, healthy = prevalence * place.recall, (1 - prevalence) * place.alarmed
    return sick / (sick + healthy), precision_at(**_flags(place, hits, alarms), prevalence=prevalence)


def npv(place: Place, hits: int, alarms: int, prevalence: float) -> tuple[float, Estimate]:
    """True negative predictive value, and as measured."""
    sick, healthy = prevalence * (1 - place.recall), (1 - prevalence) * (1 - place.alarmed)
    found = npv_at(
        misses=place.positives - hits, positives=place.positives,
        clears=place.negatives - alarms, negatives=place.negatives, prevalence=prevalence,
    )  # fmt: skip
    return healthy / (sick + healthy), found


def flagged(place: Place, hits: int, alarms: int, prevalence: float) -> tuple[float, Estimate]:
    """True share flagged, and as measured."""
    truth = prevalence * place.recall + (1 - prevalence) * place.alarmed
    return truth, flagged_share(**_flags(place, hits, alarms), prevalence=prevalence)


def benefit(place: Place, hits: int, alarms: int, prevalence: float) -> tuple[float, Limits]:
    """True net benefit at a threshold of half the prevalence, and as measured."""
    threshold = prevalence / 2
    truth = prevalence * place.recall - (1 - prevalence) * place.alarmed * threshold / (1 - threshold)
    counts = Counts(hits=hits, misses=place.positives - hits, alarms=alarms, clears=place.negatives - alarms)
    return truth, net_benefit(counts, prevalence=prevalence, threshold=threshold)


def _flags(place: Place, hits: int, alarms: int) -> dict[str, int]:
    return {"hits": hits, "positives": place.positives, "alarms": alarms, "negatives": place.negatives}


def _shares(
    place: Place, pairs: NDArray[np.int64], *, of_negatives: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Counts of the sick and of the healthy who got the answer, and the true ratio of their shares."""
    first, second = pairs.T.astype(float)
    if of_negatives:
        return place.positives - first, place.negatives - second, (1 - place.recall) / (1 - place.alarmed)
    return first, second, place.recall / place.alarmed


def logit_holds(place: Place, pairs: NDArray[np.int64], *, of_negatives: bool) -> Booleans:
    """Whether the logit interval of Mercaldo, half a case added where a cell is empty, holds the truth."""
    sick, healthy, truth = _shares(place, pairs, of_negatives=of_negatives)
    empty = (sick == 0) | (healthy == 0) | (sick == place.positives) | (healthy == place.negatives)
    half = np.where(empty, 0.5, 0.0)
    positives, negatives = place.positives + 2 * half, place.negatives + 2 * half
    above, below = (sick + half) / positives, (healthy + half) / negatives
    spread = np.sqrt((1 - above) / above / positives + (1 - below) / below / negatives)
    off = np.log(above / below) - np.log(truth)
    # Without alarms the value itself is infinite, and the interval is drawn up to it; without hits down to 0.
    return ((off <= Z * spread) | (sick == 0)) & ((-off <= Z * spread) | (healthy == 0))


def score_holds(place: Place, pairs: NDArray[np.int64], *, of_negatives: bool) -> Booleans:
    """Whether the score interval of Koopman holds the truth: whether his test lets it stand."""
    sick, healthy, truth = _shares(place, pairs, of_negatives=of_negatives)
    first, second = place.positives, place.negatives
    middle = first * truth + sick + second + healthy * truth
    root = np.sqrt(np.maximum(middle**2 - 4 * (first + second) * truth * (sick + healthy), 0))
    below = 2 * (sick + healthy) / (middle + root)
    above = np.minimum(below * truth, 1)
    variance = above * (1 - above) / first + truth**2 * below * (1 - below) / second
    return (sick / first - truth * healthy / second) ** 2 <= Z**2 * variance


def run(asked: list[Place], repeats: int, seed: int) -> Iterator[Coverage]:
    """Every interval in every place, the places shared among the processors."""
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        seeds = [[seed, number] for number in range(len(asked))]
        for found in track(
            pool.map(measured, asked, seeds, [repeats] * len(asked), chunksize=5), "coverage", len(asked)
        ):
            yield from found


def line(name: str, found: list[Coverage]) -> str:
    """One interval in all places, as a row of the table."""
    shares = np.array([one.share for one in found])
    worst = min(found, key=lambda one: one.share)
    return f"| {name} | {worst.share:.2%} | {np.median(shares):.2%} | {np.mean(shares < LEAST):.1%} | {worst.place} |"


def page(results: list[Coverage], repeats: int, seed: int) -> str:
    """What was drawn and what came out, as Markdown."""
    ours = [name for name in intervals() if " at " in name]
    by_name = {name: [one for one in results if one.interval == name] for name in intervals()}
    header = [
        "| interval | lowest coverage | median | places below 94 % | where it is lowest |",
        "| --- | --- | --- | --- | --- |",
    ]
    return "\n".join(
        [
            "# Do intervals hold the truth?",
            "",
            f"In each of {len(by_name[ours[0]])} places counts are drawn {repeats:,} times (seed {seed}), and each time",
            f"the interval that claims {CLAIMED:.0%} is made from them. A place is a true recall",
            f"({_list(RECALLS)}), a true false-positive rate ({_list(ALARM_RATES)}), a number of sick",
            f"({_list(POSITIVES)}) and of healthy cases ({_list(NEGATIVES)}). `own` is the prevalence of the cases",
            "themselves. Counts that allow no figure have the interval of everything possible.",
            "",
            "## As shipped",
            "",
            "Clopper-Pearson limits of both shares, joined by the method of variance estimates recovery. `benefit` is",
            "net benefit at a threshold of half the prevalence.",
            "",
            *header,
            *(line(name, by_name[name]) for name in ours),
            "",
            "## The usual ways",
            "",
            "They do not depend on the prevalence. *Logit* is Mercaldo, Lau & Zhou 2007, half a case added where a cell",
            "is empty; *score* is Koopman 1984, whose interval of the likelihood ratio gives that of precision.",
            "",
            *header,
            *(line(name, by_name[name]) for name in by_name if name not in ours),
            "",
            "Made by `python -m benchmarks.interval_coverage`, which fails if a shipped interval covers the truth in less",
            f"than {LEAST:.0%} of the draws in any place.",
            "",
        ]
    )  # fmt: skip


def _list(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:,}" for number in numbers)


def short(results: list[Coverage]) -> list[Coverage]:
    """Where a shipped interval falls short."""
    return [one for one in results if " at " in one.interval and one.share < LEAST]


def main(
    *,
    repeats: Annotated[int, typer.Option(min=1, help="draws in each place")] = 20_000,
    seed: Annotated[int, typer.Option(help="another seed draws other counts")] = 20260101,
    out: Annotated[Path, typer.Option(help="folder of intervals.md")] = Path("docs"),
) -> None:
    """Draw counts over and over, and count the intervals that hold the truth."""
    results = list(run(places(), repeats, seed))
    out.mkdir(parents=True, exist_ok=True)
    text = page(results, repeats, seed)
    (out / "intervals.md").write_text(text)
    Console().print(text)
    fallen = short(results)
    for one in fallen:
        Console().print(f"{one.interval} covers {one.share:.2%} at {one.place}.")
    if fallen:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
