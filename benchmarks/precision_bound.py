"""How often the bound behind precision and NPV lies above the truth, summed out exactly, and what it is worth.

`python -m benchmarks.precision_bound` takes numbers of sick and healthy cases, and for each the true recall and
false-positive rate at which the bound is most often above the true precision; both binomials are summed out, nothing is
drawn. It writes docs/precision-bound.md and exits with 1 if a chance is above the risk.

A bound of precision at one prevalence is a bound of TPR / FPR at all of them, and that is what is compared. As the true
ratio rises to the bound of some counts, the chance rises by jumps, so it is greatest just below one of these bounds;
from there to the next only rates that share the ratio are left to try, along which the chance is smooth.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy import special, stats

from models.flagged_share import least_right

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# The least TPR / FPR that hits and alarms carry, of so many sick and healthy, at a risk.
Rule = Callable[[Ints, Ints, tuple[int, int], float], Floats]

SMALL = (1, 2, 3, 5, 9, 20, 40)
LARGE = (
    (1, 1_000), (1, 100_000), (3, 100_000), (5, 5_000), (30, 3_000), (30, 30_000), (300, 300), (300, 3_000),
    (300, 30_000), (300, 300_000), (1_000, 30),
)  # fmt: skip
CONFIDENCES = (0.75, 0.9, 0.95, 0.99, 0.999)
PLAIN = (0.9, 0.95, 0.99)
# A float's last bits.
EXACTLY, NOTHING = 1e-9, 1e-18


def one_bound(hits: Ints, alarms: Ints, cases: tuple[int, int], risk: float) -> Floats:
    """As shipped: the hits among all flagged, at the whole risk."""
    share = least_right(hits, alarms, risk)
    return np.asarray(share / (1 - share) * cases[1] / cases[0])


def two_bounds(hits: Ints, alarms: Ints, cases: tuple[int, int], risk: float) -> Floats:
    """As it was: TPR from below and FPR from above, at half the risk each."""
    sick, healthy = cases
    caught = np.where(hits == 0, 0.0, special.betaincinv(np.maximum(hits, 1), sick - hits + 1, risk / 2))
    below = special.betaincinv(alarms + 1, np.maximum(healthy - alarms, 1), 1 - risk / 2)
    return np.asarray(caught / np.where(alarms == healthy, 1.0, below))


def plain(hits: Ints, alarms: Ints, cases: tuple[int, int], risk: float) -> Floats:
    """As shipped, but for the care of a single hit: Clopper-Pearson throughout."""
    share = np.where(hits == 0, 0.0, special.betaincinv(np.maximum(hits, 1), alarms + 1, risk))
    return np.asarray(share / (1 - share) * cases[1] / cases[0])


RULES: dict[str, Rule] = {"one bound": one_bound, "two bounds": two_bounds, "plain": plain}


@dataclass(frozen=True)
class Worst:
    """Where the bound of one rule lies above the truth most often."""

    cases: tuple[int, int]
    chance: float
    caught: float
    alarmed: float


def worst(rule: Rule, cases: tuple[int, int], risk: float, *, most: int = 120) -> Worst:
    """The truth at which the bound most often lies above it, just below one of `most` bounds that counts may give.

    >>> worst(one_bound, (1, 40), 0.05).chance < 0.05 < worst(plain, (1, 40), 0.05).chance
    True
    """
    found = Worst(cases, 0.0, 0.0, 0.0)
    for ratio in _bounds(rule, cases, risk, most):
        hits, alarms = _above(rule, cases, risk, ratio)
        rates = _rates(max(cases))
        caught = rates if ratio >= 1 else rates * ratio
        alarmed = np.minimum(rates / ratio, 1.0) if ratio >= 1 else rates
        chances = _sum(hits, alarms, cases, caught, alarmed)
        place = int(chances.argmax())
        if chances[place] > found.chance:
            found = Worst(cases, float(chances[place]), float(caught[place]), float(alarmed[place]))
    return found


def _rates(most_cases: int) -> Floats:
    """Rates of the answer to the kind that gets it oftener, near 0 and near 1 the closest."""
    rising, near_one = np.geomspace(0.01 / most_cases, 1, 30), 1 - np.geomspace(1e-6, 0.5, 12)
    return np.unique(np.concatenate([rising, near_one]))


def _bounds(rule: Rule, cases: tuple[int, int], risk: float, most: int) -> Floats:
    """The bounds of counts: of all of them, or of few and of nearly all cases closely and of those between by steps."""
    hits, alarms = (each.ravel() for each in np.meshgrid(*map(_some, cases), indexing="ij"))
    ratios = rule(hits, alarms, cases, risk)
    few = np.unique(ratios[(ratios > 0) & ((hits <= 3) | (alarms <= 1) | (alarms >= cases[1] - 1))])
    every = np.unique(ratios[ratios > 0])
    return np.union1d(_thinned(few, most // 2), _thinned(every, most))


def _thinned(numbers: Floats, most: int) -> Floats:
    return numbers[np.unique(np.linspace(0, len(numbers) - 1, most).astype(int))] if len(numbers) > most else numbers


def _some(cases: int) -> Ints:
    """Counts up to `cases`: all of up to 40."""
    if cases <= 40:
        return np.arange(cases + 1)
    steps = np.geomspace(8, cases, 30).astype(int)
    return np.unique(np.concatenate([np.arange(9), steps, cases - np.arange(6), cases - steps]).clip(0, cases))


def _above(rule: Rule, cases: tuple[int, int], risk: float, ratio: float) -> tuple[Ints, Ints]:
    """Hits, and the most alarms with which each of them is bounded by `ratio` or more: a bound falls with alarms."""
    hits = np.arange(1, cases[0] + 1)
    low, high = np.full(len(hits), -1), np.full(len(hits), cases[1] + 1)
    while (high - low > 1).any():
        middle = np.clip((low + high) // 2, 0, cases[1])
        enough, looking = rule(hits, middle, cases, risk) >= ratio * (1 - EXACTLY), high - low > 1
        low, high = np.where(looking & enough, middle, low), np.where(looking & ~enough, middle, high)
    return hits[low >= 0], low[low >= 0]


def _sum(hits: Ints, alarms: Ints, cases: tuple[int, int], caught: Floats, alarmed: Floats) -> Floats:
    """The chance, at each pair of rates, of these hits with so many alarms or fewer."""
    sick, healthy = cases
    ways = special.gammaln(sick + 1) - special.gammaln(hits + 1) - special.gammaln(sick - hits + 1)
    rate = caught[:, None]
    of_hits = np.exp(ways + special.xlogy(hits, rate) + special.xlog1py(sick - hits, -rate))
    # What is left out of the sum is less than the last bits of it.
    pair, hit = np.nonzero(of_hits > NOTHING)
    most = alarms[hit].astype(float)
    of_alarms = np.where(most >= healthy, 1.0, special.bdtr(most, healthy, alarmed[pair]))
    return np.bincount(pair, weights=of_hits[pair, hit] * of_alarms, minlength=len(caught))


# How far the sick score above the healthy, and which precision is asked at which prevalence: as in the certifications.
SETTINGS = ((0.1, 2.5, 0.8), (0.01, 3.5, 0.6), (0.001, 4.0, 0.5))
SICK = (100, 300, 1_000)


def recalls(prevalence: float, distance: float, precision: float, sick: int) -> tuple[float, float, float]:
    """The most recall with which cases that come out as expected carry a precision: the truth, one bound, two bounds.

    The healthy score N(0, 1), the sick N(distance, 1), and as large a share of the cases is sick as of the people.
    """
    at = np.linspace(-1, distance + 4, 20_001)
    caught, alarmed = stats.norm.sf(at - distance), stats.norm.sf(at)
    wanted = precision / (1 - precision) * (1 - prevalence) / prevalence
    cases = (sick, round(sick * (1 - prevalence) / prevalence))
    hits, alarms = np.floor(cases[0] * caught).astype(int), np.ceil(cases[1] * alarmed).astype(int)
    kept = [
        caught / alarmed >= wanted,
        *(rule(hits, alarms, cases, 0.05) >= wanted for rule in (one_bound, two_bounds)),
    ]
    true, one, two = (float(caught[each].max(initial=0.0)) for each in kept)
    return true, one, two


def page(found: dict[tuple[str, float], list[Worst]]) -> str:
    """What was summed out, as Markdown."""
    small = len(SMALL) ** 2
    lines = [
        "# The bound behind precision and NPV",
        "",
        "Of n₊ sick cases h are flagged, of n₋ healthy ones a. Precision at any prevalence follows from TPR / FPR. It used",
        "to be bounded by two Clopper-Pearson bounds, TPR from below and FPR from above at half the risk each. Now it",
        "is one: of the h + a flagged, h is nearly binomial with the share θ = n₊ TPR / (n₊ TPR + n₋ FPR), exactly so if",
        "both counts were Poisson, and the true ones vary less. With θ at least the Clopper-Pearson bound of h among",
        "h + a at the whole risk, TPR / FPR is at least θ / (1 - θ) · n₋ / n₊. NPV is the mirror: the healthy among all cleared.",
        "",
        "Below, both binomials are summed out; nothing is drawn. For each number of cases it is the greatest chance, over",
        "all true recalls and false-positive rates, that the bound lies above the true precision. It must never exceed",
        "the risk. For NPV read sick for healthy and cleared for flagged: the same numbers the other way round.",
        "",
        "| sick, healthy cases | rule | " + " | ".join(f"{confidence:.4g}" for confidence in CONFIDENCES) + " |",
        "| --- | --- |" + " ---: |" * len(CONFIDENCES),
        "| *allowed* | | " + " | ".join(f"{1 - confidence:.4%}" for confidence in CONFIDENCES) + " |",
    ]
    for name in ("one bound", "two bounds"):
        cells = (f"{max(one.chance for one in found[name, each][:small]):.4%}" for each in CONFIDENCES)
        lines.append(f"| up to {SMALL[-1]} each ({small} pairs) | {name} | {' | '.join(cells)} |")
    for place, (sick, healthy) in enumerate(LARGE, start=small):
        for name in ("one bound", "two bounds"):
            cells = (f"{found[name, each][place].chance:.4%}" for each in CONFIDENCES)
            lines.append(f"| {sick:,}, {healthy:,} | {name} | {' | '.join(cells)} |")
    lines += ["", *_care(found), "", *_worth(), "", *ENDING, ""]
    return "\n".join(lines)


def _care(found: dict[tuple[str, float], list[Worst]]) -> list[str]:
    """Where plain Clopper-Pearson fails."""
    said = []
    for confidence in PLAIN:
        one = max(found["plain", confidence], key=lambda each: each.chance)
        said.append(
            f"| {confidence:.4g} | {one.chance:.4%} | {1 - confidence:.4%} | {one.cases[0]:,}, {one.cases[1]:,} "
            f"| {one.caught:.3g} | {one.alarmed:.3g} |"
        )
    return [
        "## Where care is needed",
        "",
        "Clopper-Pearson alone is above the truth too often in one place, where nearly all the healthy are flagged and one of",
        "the sick: P(h ≥ 1) is up to n₊ TPR, and of a Poisson count only 1 - exp(-n₊ TPR). So the bound of a single hit is",
        "risk / (1 + a) instead, by Markov's inequality, which is 2.5 % lower at confidence 0.95. Two hits and more are",
        "rarer than those of a Poisson count as long as the risk is below 0.264, the chance that a Poisson count of mean",
        "1 is 2 or more; so a confidence below 0.75 has the bound of 0.75. Plain Clopper-Pearson, at its worst:",
        "",
        "| confidence | chance | allowed | sick, healthy cases | TPR | FPR |",
        "| --- | ---: | ---: | --- | ---: | ---: |",
        *said,
    ]  # fmt: skip


def _worth() -> list[str]:
    """How much recall it buys."""
    lines = [
        "## What it buys",
        "",
        "The most recall with which cases that come out just as expected carry a precision with confidence 0.95. Healthy",
        "people score N(0, 1), the sick N(distance, 1). *Truth* is the recall of one who knows it.",
        "",
        "| precision asked | distance | sick cases | truth | one bound | two bounds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (prevalence, distance, precision), sick in itertools.product(SETTINGS, SICK):
        cells = " | ".join(f"{recall:.3f}" for recall in recalls(prevalence, distance, precision, sick))
        asked = f"{precision:g} at 1:{round(1 / prevalence)}"
        lines.append(f"| {asked} | {distance:g} | {sick:,} | {cells} |")
    return [
        *lines,
        "",
        "Where both rates are near 1, as for a precision hardly above the prevalence among cases half of whom are sick, two",
        "bounds are the sharper ones: the counts then vary much less than Poisson counts. Of 99 of 100 sick and 50 of 100 healthy flagged, TPR / FPR is at least",
        "1.57 by two, 1.47 by one.",
    ]


ENDING = [
    "Made by `python -m benchmarks.precision_bound`, which fails if a shipped bound is above the truth more often than",
    "allowed anywhere.",
]


def _task(task: tuple[str, float, tuple[int, int]]) -> Worst:
    name, confidence, cases = task
    return worst(RULES[name], cases, 1 - confidence)


def run(designs: Sequence[tuple[int, int]]) -> dict[tuple[str, float], list[Worst]]:
    """Every rule at every confidence, on every number of cases; the work shared among the processors."""
    asked = [each for each in itertools.product(RULES, CONFIDENCES) if each[0] != "plain" or each[1] in PLAIN]
    tasks = [(*each, cases) for each in asked for cases in designs]
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        done = list(track(pool.map(_task, tasks, chunksize=4), "bounds", len(tasks)))
    return {each: done[place * len(designs) : (place + 1) * len(designs)] for place, each in enumerate(asked)}


def faults(found: dict[tuple[str, float], list[Worst]]) -> list[str]:
    """What should not be, in words."""
    return [
        f"{one.cases}: above the truth with chance {one.chance:.6%} at confidence {confidence:.4g}."
        for (name, confidence), each in found.items()
        for one in each
        if name == "one bound" and one.chance > (1 - confidence) * (1 + EXACTLY)
    ]


def main(*, out: Annotated[Path, typer.Option(help="folder of precision-bound.md")] = Path("docs")) -> None:
    """Sum out how often the bound lies above the truth, where that is most often."""
    found = run([*itertools.product(SMALL, SMALL), *LARGE])
    out.mkdir(parents=True, exist_ok=True)
    text = page(found)
    (out / "precision-bound.md").write_text(text)
    console = Console()
    console.print(text, soft_wrap=True, markup=False)
    wrong = faults(found)
    for line in wrong:
        console.print(line, markup=False)
    if wrong:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
