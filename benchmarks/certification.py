"""How often a certified promise is broken, on drawn people of whom the truth is known.

`python -m benchmarks.certification` certifies both rules 2,000 times at each prevalence, writes what came out to
docs/certification.md and docs/certification.svg, and exits with 1 if promises are broken more often than allowed.

Healthy people score N(0, 1) and the sick N(distance, 1), so the true recall, false-positive rate and precision of
any threshold follow from the normal law, without a sample.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import typer
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy import special, stats

from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import Unreachable

Floats = NDArray[np.float64]

CHUNK = 20
STEP = 0.1
ROUNDING = 1e-5
# A violation share that chance alone would reach less often than this is taken for a fault.
BEYOND_CHANCE = 1e-3


@dataclass(frozen=True)
class World:
    """People of whom everything is known, and what is asked of a threshold among them.

    Scores below `floor`, where no threshold is ever chosen, are drawn as one tied score: that saves time. With a
    `step`, all scores are rounded down to its multiples, so that many people share one.
    """

    contract: Contract
    prevalence: float
    rows: int
    distance: float
    floor: float
    step: float | None = None

    @property
    def name(self) -> str:
        """Rule and prevalence, e.g. `recall 1:100`."""
        return f"{self.contract.promise.figure} 1:{round(1 / self.prevalence):,}"

    def probability(self, scores: Floats) -> NDArray[np.float32]:
        """The true probability of being sick at each score, as a graph would give it."""
        logits = self.distance * scores - self.distance**2 / 2 + special.logit(self.prevalence)
        return special.expit(logits).astype(np.float32)

    def draw(self, random: np.random.Generator) -> Curve:
        """The curve of freshly drawn people."""
        positives = int(random.binomial(self.rows, self.prevalence))
        negatives = self.rows - positives
        sick = random.normal(self.distance, 1.0, positives)
        alike = stats.norm.sf(self.floor)
        healthy = special.ndtri(1 - alike * random.random(random.binomial(negatives, alike)))
        sick, healthy = (self.rounded(np.maximum(scores, self.floor)) for scores in (sick, healthy))
        curve = Curve.of(
            self.probability(np.concatenate([[self.floor], sick, healthy])),
            np.concatenate([[0], np.ones(len(sick)), np.zeros(len(healthy))]),
        )
        # The one case at the floor stands for all the healthy that were not drawn one by one.
        tied = negatives - len(healthy) - 1
        return Curve(
            thresholds=curve.thresholds,
            positives=curve.positives,
            negatives=(curve.negatives[0] + tied, *curve.negatives[1:]),
        )

    def rounded(self, scores: Floats) -> Floats:
        """Scores as the model gives them."""
        return scores if self.step is None else np.floor(scores / self.step) * self.step

    def score(self, threshold: float) -> float:
        """The lowest score, before rounding, that a threshold on the probability flags."""
        logit = special.logit(threshold) - special.logit(self.prevalence)
        # Probabilities are 32-bit floats: the score comes back with an error of that size.
        score = float((logit + self.distance**2 / 2) / self.distance) - ROUNDING
        if self.step is not None:
            score = math.ceil(score / self.step) * self.step
        return -math.inf if score <= self.floor else score

    def truth(self, score: float) -> Figures:
        """What flagging all at and above a score does."""
        recall, alarmed = float(stats.norm.sf(score - self.distance)), float(stats.norm.sf(score))
        sick, healthy = self.prevalence * recall, (1 - self.prevalence) * alarmed
        return Figures(recall, alarmed, sick / (sick + healthy))

    @property
    def ideal(self) -> Figures:
        """The best threshold of one who knows the truth."""
        if self.contract.promise.figure == "recall":
            score = self.distance + float(stats.norm.isf(self.contract.promise.at_least))
            steps = np.floor
        else:
            score = self._precise_enough()
            steps = np.ceil
        return self.truth(score if self.step is None else float(steps(score / self.step) * self.step))

    def _precise_enough(self) -> float:
        """The lowest score above which the true precision is reached."""
        low, high = self.floor, 20.0
        while high - low > 1e-9:
            middle = (low + high) / 2
            enough = self.truth(middle).precision >= self.contract.promise.at_least
            low, high = (low, middle) if enough else (middle, high)
        return high


@dataclass(frozen=True)
class Figures:
    """What a threshold truly does."""

    recall: float
    alarmed: float
    precision: float

    def promised(self, contract: Contract) -> float:
        """The figure that a contract is about."""
        return self.recall if contract.promise.figure == "recall" else self.precision


@dataclass(frozen=True)
class Outcome:
    """One repeat: what the certified threshold truly does, None if it was refused, and what the naive one does."""

    certified: Figures | None
    naive: Figures | None


@dataclass(frozen=True)
class Result:
    """All repeats of one world."""

    world: World
    outcomes: tuple[Outcome, ...]

    @property
    def certified(self) -> list[Figures]:
        return [outcome.certified for outcome in self.outcomes if outcome.certified]

    @property
    def naive(self) -> list[Figures]:
        return [outcome.naive for outcome in self.outcomes if outcome.naive]

    def broken(self, found: list[Figures]) -> int:
        """How many thresholds truly do less than was asked."""
        least = self.world.contract.promise.at_least
        return sum(figures.promised(self.world.contract) < least for figures in found)

    @property
    def risk(self) -> float:
        """The share of repeats in which the promise may be broken."""
        return 1 - self.world.contract.promise.confidence

    @property
    def sound(self) -> bool:
        """Whether the promise was not broken more often than allowed, chance set aside."""
        tested = stats.binomtest(self.broken(self.certified), len(self.outcomes), self.risk, alternative="greater")
        return bool(tested.pvalue >= BEYOND_CHANCE)


def worlds() -> list[World]:
    """Both rules at three prevalences, with scores of their own and with tied scores."""
    recall = Recall(at_least=0.95)
    asked = [
        World(recall, 0.1, rows=2_000, distance=2.5, floor=-0.5),
        World(recall, 0.01, rows=20_000, distance=3.0, floor=0.25),
        World(recall, 0.001, rows=200_000, distance=4.0, floor=1.25),
        World(Precision(at_least=0.8, prevalence=0.1), 0.1, rows=4_000, distance=2.5, floor=0.5),
        World(Precision(at_least=0.6, prevalence=0.01), 0.01, rows=40_000, distance=3.5, floor=1.5),
        World(Precision(at_least=0.5, prevalence=0.001), 0.001, rows=400_000, distance=4.0, floor=2.5),
    ]
    tied = [World(**{**vars(world), "step": STEP}) for world in asked]
    return [world for pair in zip(asked, tied, strict=True) for world in pair]


def repeat(world: World, seeds: list[np.random.SeedSequence]) -> list[Outcome]:
    """Certify once a seed, each time on fresh people."""
    return [once(world, np.random.default_rng(seed)) for seed in seeds]


def once(world: World, random: np.random.Generator) -> Outcome:
    """One certification, and what both its thresholds truly do."""
    certification = world.draw(random)
    # Recall needs no guide: its own cases stand in, which saves half of the time.
    guide = certification if isinstance(world.contract, Recall) else world.draw(random)
    try:
        chosen = world.contract.choose(certification, guide=guide).threshold
    except Unreachable:
        chosen = None
    naive = naive_threshold(world, certification)
    return Outcome(
        *(None if threshold is None else world.truth(world.score(threshold)) for threshold in (chosen, naive))
    )


def naive_threshold(world: World, curve: Curve) -> float | None:
    """What is commonly done: the threshold with the most of the other good whose measured figure is as asked."""
    hits = np.cumsum(curve.positives[::-1])[::-1]
    flagged = hits + np.cumsum(curve.negatives[::-1])[::-1]
    least = world.contract.promise.at_least
    if world.contract.promise.figure == "recall":
        enough = np.flatnonzero(hits >= least * hits[0])
        return curve.thresholds[int(enough[-1])]
    enough = np.flatnonzero(hits >= least * flagged)
    return curve.thresholds[int(enough[0])] if len(enough) else None


def run(asked: list[World], repeats: int, seed: int) -> Iterator[Result]:
    """Every world in turn, its repeats shared among the processors."""
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        for place, world in enumerate(asked):
            seeds = np.random.SeedSequence([seed, place]).spawn(repeats)
            chunks = [seeds[start : start + CHUNK] for start in range(0, repeats, CHUNK)]
            done = pool.map(repeat, [world] * len(chunks), chunks)
            label = f"{world.name}{' tied' if world.step else ''}"
            outcomes = [outcome for chunk in track(done, f"{label:24}", len(chunks)) for outcome in chunk]
            yield Result(world, tuple(outcomes))


HEADER = [
    "rule and prevalence", "scores", "cases (sick)", "certified", "broken", "95 % interval", "allowed",
    "false-positive rate", "ideal", "recall", "ideal", "naive broken",
]  # fmt: skip


def cells(result: Result) -> list[str]:
    """One line of the table."""
    world, repeats = result.world, len(result.outcomes)
    broken = result.broken(result.certified)
    low, high = stats.binomtest(broken, repeats).proportion_ci(0.95, method="exact")
    ideal = world.ideal
    return [
        f"{world.name}, {world.contract.promise.figure} ≥ {world.contract.promise.at_least:g}",
        "tied" if world.step else "distinct",
        f"{world.rows:,} ({round(world.rows * world.prevalence):,})",
        f"{len(result.certified) / repeats:.1%}",
        f"{broken / repeats:.2%}",
        f"{low:.2%} to {high:.2%}",
        f"{result.risk:.0%}",
        _rate([figures.alarmed for figures in result.certified]),
        _rate([ideal.alarmed]),
        _share([figures.recall for figures in result.certified]),
        _share([ideal.recall]),
        f"{result.broken(result.naive) / repeats:.1%}",
    ]


def _rate(rates: list[float]) -> str:
    return f"{np.mean(rates):.2g}" if rates else "-"


def _share(shares: list[float]) -> str:
    return f"{np.mean(shares):.3f}" if shares else "-"


def page(results: list[Result], repeats: int, seed: int) -> str:
    """What was simulated and what came out, as Markdown."""
    lines = ["| " + " | ".join(HEADER) + " |", "|" + " --- |" * len(HEADER)]
    lines += ["| " + " | ".join(cells(result)) + " |" for result in results]
    settings = [
        f"- {world.name}: {world.rows:,} cases, distance {world.distance:g}."
        for world in (result.world for result in results)
        if world.step is None
    ]
    return "\n".join(
        [
            "# Are promises kept?",
            "",
            f"Each line of the table is {repeats:,} certifications, each on freshly drawn people (seed {seed}).",
            "Healthy people score N(0, 1), the sick N(distance, 1), so that the true recall, false-positive rate and",
            "precision of every threshold are known from the normal law. A promise is *broken* if the certified",
            "threshold truly does less than was asked; that may happen in 5 % of the certifications, refused ones",
            "counted as not broken. *Naive* is the common way: the best threshold whose figure, as measured on the",
            "same cases, is as asked. *Ideal* is the threshold of one who knows the truth. *Tied* scores are rounded",
            "down to tenths, so that many people share one.",
            "",
            *settings,
            "",
            "Precision is certified with as many other cases as a guide.",
            "",
            *lines,
            "",
            "![The true figure of certified and of naive thresholds](certification.svg)",
            "",
            "Made by `python -m benchmarks.certification`, which fails if promises are broken more often than allowed",
            f"beyond what chance explains (exact binomial test at {BEYOND_CHANCE:g}).",
            "",
        ]
    )


CERTIFIED, NAIVE, INK = "#1b6ca8", "#e08a2e", "#333333"


def draw(results: list[Result], file: Path) -> None:
    """For each rule and prevalence, where the true figure of the thresholds lies beside what was asked."""
    shown = [result for result in results if result.world.step is None]
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(2, len(shown) // 2, figsize=(10, 5.2), layout="constrained")
        for axis, result in zip(np.ravel(axes), shown, strict=True):
            _panel(axis, result)
        handles, labels = np.ravel(axes)[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        figure.suptitle("True figure of the chosen threshold; left of the line the promise is broken", color=INK)
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=120)
        plt.close(figure)


def _panel(axis: Axes, result: Result) -> None:
    promise = result.world.contract.promise
    for found, name, colour in ((result.naive, "naive", NAIVE), (result.certified, "certified", CERTIFIED)):
        figures = [one.promised(result.world.contract) for one in found]
        low, high = _reach(result)
        axis.hist(figures, bins=np.linspace(low, high, 61).tolist(), color=colour, alpha=0.65, label=name)
        share = result.broken(found) / len(result.outcomes)
        axis.text(
            0.02, 0.95 if name == "naive" else 0.85, f"{name}: {share:.1%} broken",
            transform=axis.transAxes, color=colour, va="top", fontweight="bold",
        )  # fmt: skip
    axis.axvline(promise.at_least, ymax=0.76, color=INK, linewidth=1.2, linestyle="--", label="asked")
    top = axis.get_ylim()[1]
    axis.set_ylim(0, top * 1.3)
    axis.set_title(result.world.name, color=INK)
    axis.set_xlabel(f"true {promise.figure}")
    axis.set_yticks([])
    axis.xaxis.set_major_locator(MaxNLocator(5))
    axis.spines[["left", "top", "right"]].set_visible(False)


def _reach(result: Result) -> tuple[float, float]:
    """The middle 99.8 % of both ways together."""
    both = [one.promised(result.world.contract) for one in (*result.certified, *result.naive)]
    low, high = np.quantile(both, [0.001, 0.999]) if both else (0.0, 1.0)
    room = max(0.05 * (high - low), 1e-3)
    return float(low - room), float(high + room)


def main(
    *,
    repeats: Annotated[int, typer.Option(min=1, help="certifications of each rule at each prevalence")] = 2000,
    seed: Annotated[int, typer.Option(help="another seed draws other people")] = 20260101,
    out: Annotated[Path, typer.Option(help="folder of certification.md and certification.svg")] = Path("docs"),
) -> None:
    """Certify drawn people over and over, and count broken promises."""
    results = list(run(worlds(), repeats, seed))
    out.mkdir(parents=True, exist_ok=True)
    (out / "certification.md").write_text(page(results, repeats, seed))
    draw(results, out / "certification.svg")
    table = Table(*HEADER)
    for result in results:
        table.add_row(*cells(result))
    Console().print(table)
    unsound = [result.world.name for result in results if not result.sound]
    if unsound:
        Console().print(f"Broken more often than allowed: {', '.join(unsound)}.")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
