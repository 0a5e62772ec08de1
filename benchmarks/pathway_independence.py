"""What a pathway of two models truly does, what is promised of it, and what multiplying its models would say.

`python -m benchmarks.pathway_independence` draws people with two scores that are correlated within the sick and within
the healthy, certifies the pathway at points that were fixed beforehand 2,000 times for each correlation, measures the
shipped pair, writes docs/pathway.md and docs/pathway.svg, and exits with 1 if a promise is broken more often than
allowed.

Healthy people score N(0, 1) in both models and the sick N(distance, 1), so that the truth follows from the
two-dimensional normal law, without a sample.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import typer
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy import integrate, special, stats

from models.bundle import open_bundle
from models.intervals import lower_bound, upper_bound
from models.joint import Joint, Pairs, open_joint
from models.pathway_contract import PathwayContract, certify
from models.pathway_figures import PathwayFigures
from models.scorer import Scorer
from models.turn import Turned

Floats = NDArray[np.float64]

CORRELATIONS = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95)
CHUNK = 50
# A share of broken promises that chance alone would reach less often than this is taken for a fault.
BEYOND_CHANCE = 1e-3
# So little is asked that it is always certified; what is then said to be certified is compared with the truth.
ASKED = 1e-6
CONFIDENCE = 0.95
RISK = 1 - CONFIDENCE


@dataclass(frozen=True)
class World:
    """People of whom everything is known, and two models on them at points that are fixed."""

    correlation: float
    prevalence: float = 0.05
    sick: int = 300
    healthy: int = 3_000
    distance: float = 2.5
    screened: float = 0.95
    found: float = 0.7

    @property
    def limits(self) -> tuple[float, float]:
        """The scores from which each model flags: the screen so many of the sick, the pre-surgical one fewer."""
        return self.distance - float(special.ndtri(self.screened)), self.distance - float(special.ndtri(self.found))

    def both(self, distance: float) -> float:
        """The share that both models flag, of those whose scores lie around `distance`."""
        first, second = (limit - distance for limit in self.limits)
        rest = math.sqrt(1 - self.correlation**2)

        def at(score: float) -> float:
            return float(stats.norm.pdf(score) * special.ndtr((self.correlation * score - first) / rest))

        return float(integrate.quad(at, second, max(second, 0) + 12, epsabs=1e-12)[0])

    def alone(self, distance: float) -> tuple[float, float]:
        """The shares that each model flags, of the same."""
        first, second = (float(special.ndtr(distance - limit)) for limit in self.limits)
        return first, second

    def truth(self) -> Figures:
        """What the pathway truly does."""
        return Figures.of(self.both(self.distance), self.both(0), self.prevalence)

    def multiplied(self) -> Figures:
        """What it would do if the models erred independently."""
        return Figures.of(math.prod(self.alone(self.distance)), math.prod(self.alone(0)), self.prevalence)

    def draw(self, random: np.random.Generator) -> Pairs:
        """Fresh certification cases."""
        targets = np.repeat([1, 0], [self.sick, self.healthy])
        shared, *own = random.normal(size=(3, len(targets)))
        scores = [
            self.distance * targets + math.sqrt(self.correlation) * shared + math.sqrt(1 - self.correlation) * each
            for each in own
        ]
        return Pairs.of(special.expit(scores[0]), special.expit(scores[1]), targets)

    @property
    def points(self) -> tuple[Turned, Turned]:
        """Both models turned to their limits."""
        first, second = (float(np.float32(special.expit(limit))) for limit in self.limits)
        return _fixed(first), _fixed(second)


def _fixed(threshold: float) -> Turned:
    return Turned(None, threshold, threshold, 0.5, (threshold, threshold), None, ())  # type: ignore[arg-type]  # drawn people have no manifest


@dataclass(frozen=True)
class Figures:
    """What both models together do."""

    sensitivity: float
    alarmed: float
    ppv: float

    @classmethod
    def of(cls, sensitivity: float, alarmed: float, prevalence: float) -> Figures:
        right, wrong = prevalence * sensitivity, (1 - prevalence) * alarmed
        return cls(sensitivity, alarmed, right / (right + wrong))


@dataclass(frozen=True)
class Outcome:
    """One certification: the bounds certified, that of a product of bounds, and what was measured."""

    not_cleared: float
    ppv: float
    multiplied: float
    measured: PathwayFigures


@dataclass(frozen=True)
class Result:
    """All certifications of one world."""

    world: World
    outcomes: tuple[Outcome, ...]

    @property
    def broken(self) -> dict[str, Floats]:
        """By promise, whether each certification said more than is true."""
        truth = self.world.truth().ppv
        cleared = np.array([one.not_cleared > self.world.screened for one in self.outcomes])
        ppv = np.array([one.ppv > truth for one in self.outcomes])
        multiplied = np.array([one.multiplied > truth for one in self.outcomes])
        return {"not cleared": cleared, "PPV": ppv, "either": cleared | ppv, "multiplied": multiplied}

    @property
    def unsound(self) -> list[str]:
        """Promises of ours that were broken more often than allowed, beyond what chance explains."""
        allowed = {"not cleared": RISK / 2, "PPV": RISK / 2, "either": RISK}
        repeats = len(self.outcomes)
        return [
            name
            for name, risk in allowed.items()
            if stats.binomtest(int(self.broken[name].sum()), repeats, risk, alternative="greater").pvalue
            < BEYOND_CHANCE
        ]

    def covered(self, figure: str) -> float:
        """How often a reported interval holds the truth."""
        truth = self.world.truth()
        wanted = {"net_sensitivity": truth.sensitivity, "ppv": truth.ppv}[figure]
        found = [getattr(one.measured, figure) for one in self.outcomes]
        return float(np.mean([each.low <= wanted <= each.high for each in found]))

    def middle(self, figure: str) -> tuple[float, float, float]:
        """Of what was measured, what 2.5 %, 50 % and 97.5 % of the certifications do not reach."""
        found = [getattr(one.measured, figure).value for one in self.outcomes]
        low, median, high = np.quantile(found, (0.025, 0.5, 0.975))
        return float(low), float(median), float(high)


def once(world: World, random: np.random.Generator) -> Outcome:
    """Certify and measure the pathway on fresh cases."""
    pairs = world.draw(random)
    joint = Joint(screen="0" * 64, presurgical="0" * 64, certification=pairs)
    asked = PathwayContract(not_cleared=ASKED, ppv=ASKED, prevalence=world.prevalence, confidence=CONFIDENCE)
    found = certify(joint, asked, *world.points)
    assert found.not_cleared is not None
    assert found.ppv is not None
    measured = joint.measure(*world.points, world.prevalence)
    return Outcome(found.not_cleared.certified, found.ppv.certified, product(world, measured), measured)


def product(world: World, measured: PathwayFigures) -> float:
    """The PPV that follows from bounds of each model alone, multiplied as if they were independent."""
    answered = measured.answered
    # As careful as ours: half the risk for the PPV, shared among four bounds.
    each = 1 - RISK / 2 / 4
    caught = alarmed = 1.0
    for counts in (answered.not_cleared, answered.positive):
        caught *= lower_bound(counts.hits, counts.positives, each)
        alarmed *= upper_bound(counts.alarms, counts.negatives, each)
    return Figures.of(caught, alarmed, world.prevalence).ppv


def repeat(world: World, seeds: Sequence[np.random.SeedSequence]) -> list[Outcome]:
    """One certification a seed."""
    return [once(world, np.random.default_rng(seed)) for seed in seeds]


def run(worlds: Sequence[World], repeats: int, seed: int) -> Iterator[Result]:
    """Every world in turn, its repeats shared among the processors."""
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        for place, world in enumerate(worlds):
            seeds = np.random.SeedSequence([seed, place]).spawn(repeats)
            chunks = [seeds[start : start + CHUNK] for start in range(0, repeats, CHUNK)]
            done = pool.map(repeat, [world] * len(chunks), chunks)
            label = f"correlation {world.correlation:g}"
            yield Result(world, tuple(one for chunk in track(done, f"{label:18}", len(chunks)) for one in chunk))


def truth_line(world: World) -> str:
    """One world as a row: the truth beside the product."""
    true, product = world.truth(), world.multiplied()
    in_vain = [1000 * (1 - world.prevalence) * figures.alarmed for figures in (true, product)]
    return (
        f"| {world.correlation:g} | {true.sensitivity:.3f} | {product.sensitivity:.3f} | {true.alarmed:.4f} "
        f"| {product.alarmed:.4f} | {true.ppv:.3f} | {product.ppv:.3f} | {in_vain[0]:.1f} | {in_vain[1]:.1f} |"
    )


def promise_line(result: Result) -> str:
    """One world as a row: how often promises were broken."""
    shares = {name: float(broken.mean()) for name, broken in result.broken.items()}
    either = stats.binomtest(int(result.broken["either"].sum()), len(result.outcomes)).proportion_ci(method="exact")
    return (
        f"| {result.world.correlation:g} | {shares['not cleared']:.2%} | {shares['PPV']:.2%} | {shares['either']:.2%} "
        f"| {either.low:.2%} to {either.high:.2%} | {shares['multiplied']:.1%} "
        f"| {result.covered('net_sensitivity'):.1%} | {result.covered('ppv'):.1%} |"
    )


@dataclass(frozen=True)
class Shipped:
    """The two bundles of a folder as they are released, measured on both parts."""

    study: str
    points: tuple[Turned, Turned]
    joint: Joint

    @classmethod
    def open(cls, folder: Path) -> Shipped:
        bundles = [open_bundle(folder / model) for model in ("screen", "presurgical")]
        joint = open_joint(folder, *bundles)
        first, second = (Scorer(bundle).turn() for bundle in bundles)
        return cls(bundles[0].manifest.study, (first, second), joint)

    def lines(self) -> list[str]:
        """Figures of each part, beside the product, as rows."""
        parts = [("certification", self.joint.certification), ("test", self.joint.test)]
        return [row for name, pairs in parts if pairs for row in self._rows(name, pairs)]

    def _rows(self, part: str, pairs: Pairs) -> list[str]:
        found = pairs.measure(*self.points, self.points[1].prevalence)
        product = found.multiplied
        return [
            f"| {part} | sick who are operated on | {found.net_sensitivity} | {product.net_sensitivity:.4f} |",
            f"| {part} | healthy who are not | {found.net_specificity} | {product.net_specificity:.4f} |",
            f"| {part} | sick among those operated on (PPV) | {found.ppv} | {_or_none(product.ppv)} |",
            f"| {part} | operated on, of 1,000 | {found.operated_per_1000} | {product.operated_per_1000:.1f} |",
            f"| {part} | sick who are not cleared | {found.not_cleared} | |",
            f"| {part} | healthy among those cleared (NPV) | {found.npv} | |",
            f"| {part} | gone on to the second step, of 1,000 | {found.second_step_per_1000} | |",
            f"| {part} | of them left undecided, of 1,000 | {found.referred_per_1000} | |",
            f"| {part} | sick and cleared, of 1,000 | {found.missed_per_1000} | |",
        ]

    def page(self) -> list[str]:
        """The section of the page about them."""
        screen, presurgical = self.points
        certification = self.joint.certification.answered(*self.points)
        cleared, overruled = certification.cleared, certification.overruled
        return [
            f"## The shipped pair: {self.study}",
            "",
            "Both models as released, with 95 % intervals:",
            "",
            f"- the screen: {screen.contract};",
            f"- the pre-surgical model: {presurgical.contract};",
            f"- stated where {presurgical.prevalence:.0%} are sick;",
            f"- of {cleared.sick + cleared.healthy:,} certification cases that the screen clears, the pre-surgical model calls",
            f"  {overruled.sick + overruled.healthy:,} positive: they are cleared.",
            "",
            *self._certified(),
            "| part | figure | measured jointly | multiplied |",
            "| --- | --- | --- | --- |",
            *self.lines(),
            "",
        ]

    def _certified(self) -> list[str]:
        """What the test cases carry at the released points, if there are any."""
        if self.joint.test is None:
            return []
        asked = PathwayContract(not_cleared=ASKED, ppv=ASKED, prevalence=self.points[1].prevalence)
        return [
            "What the test cases carry at these points, both together with confidence 95 %:",
            f"{certify(self.joint, asked, *self.points)}.",
            "",
        ]


def _or_none(share: float | None) -> str:
    return "-" if share is None else f"{share:.4f}"


def page(results: Sequence[Result], shipped: Shipped, repeats: int, seed: int) -> str:
    """What was drawn and what came out, as Markdown."""
    world = results[0].world
    far = results[-1].world
    return "\n".join(
        [
            "# Two models one after the other",
            "",
            "A pathway asks the screen first and the pre-surgical model about those it does not clear. Two models look at",
            "the same person, so the sick whom one finds are mostly those whom the other finds, and the healthy who",
            "alarm one alarm the other. Multiplying their sensitivities and false-positive rates is then wrong: too low for",
            "the sick who are found, and far too low for the healthy who are operated on. So Fulcrum counts pairs of",
            "answers on the certification cases (`pathway.json`, beside both bundles) and measures every pair of points",
            "on them.",
            "",
            "## Drawn people, of whom the truth is known",
            "",
            f"Healthy people score N(0, 1) in both models, the sick N({world.distance:g}, 1), and the two scores of a person are",
            f"correlated. The screen flags {world.screened:.0%} of the sick and {world.alone(0)[0]:.1%} of the healthy, the",
            f"pre-surgical model {world.found:.0%} and {world.alone(0)[1]:.1%}; {world.prevalence:.0%} are sick. At a correlation",
            f"of {far.correlation:g}, multiplying promises a PPV of {far.multiplied().ppv:.2f} where it is {far.truth().ppv:.2f}.",
            "",
            "| correlation | sick operated on | multiplied | healthy operated on | multiplied | PPV | multiplied | in vain, of 1,000 | multiplied |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *(truth_line(result.world) for result in results),
            "",
            "![Truth, what is measured, and the product](pathway.svg)",
            "",
            "## Are promises about a pathway kept?",
            "",
            f"{repeats:,} times each (seed {seed}), {world.sick:,} sick and {world.healthy:,} healthy people are drawn and two",
            "promises are certified at the fixed points: so many of the sick are not cleared, and such a PPV. Both hold",
            f"together with confidence {CONFIDENCE:.0%}: each may be broken in {RISK / 2:.1%}, either in {RISK:.0%}. *Broken* is a",
            "certified bound above the truth, whatever was asked. *Multiplied* is the PPV from bounds of each model alone, as",
            "careful as ours. *Covered* is how often the reported 95 % interval holds the truth.",
            "",
            "| correlation | not cleared: broken | PPV: broken | either | 95 % interval | multiplied: broken | covered: net sensitivity | PPV |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(promise_line(result) for result in results),
            "",
            "The points must be fixed before the cases are seen. Those of a contract are chosen on the certification cases, so",
            "Fulcrum certifies a pathway at such points on the test cases.",
            "",
            *shipped.page(),
            "Made by `python -m benchmarks.pathway_independence`, which fails if a promise is broken more often than allowed",
            f"beyond what chance explains (exact binomial test at {BEYOND_CHANCE:g}).",
            "",
        ]
    )  # fmt: skip


TRUE, MULTIPLIED, INK = "#1b6ca8", "#e08a2e", "#333333"


def draw(results: Sequence[Result], file: Path) -> None:
    """Net sensitivity and PPV by correlation: the truth, what was measured, and the product."""
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
        _panel(axes[0], results, "sensitivity", "net_sensitivity", "sick who are operated on")
        _panel(axes[1], results, "ppv", "ppv", "sick among those operated on (PPV)")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        figure.savefig(file, metadata={"Date": None})
        plt.close(figure)


def _panel(axis: Axes, results: Sequence[Result], name: str, measured: str, title: str) -> None:
    at = [result.world.correlation for result in results]
    axis.plot(
        at, [getattr(result.world.multiplied(), name) for result in results], "--", color=MULTIPLIED, label="multiplied"
    )
    axis.plot(at, [getattr(result.world.truth(), name) for result in results], color=TRUE, label="truth")
    low, median, high = np.array([result.middle(measured) for result in results]).T
    axis.errorbar(
        at, median, yerr=[median - low, high - median],
        fmt="o", color=INK, markersize=4, capsize=2, linewidth=1, label="measured jointly: median and middle 95 %",
    )  # fmt: skip
    axis.set_title(title, color=INK)
    axis.set_xlabel("correlation of the two scores")
    axis.spines[["top", "right"]].set_visible(False)


def main(
    *,
    repeats: Annotated[int, typer.Option(min=1, help="certifications at each correlation")] = 2000,
    seed: Annotated[int, typer.Option(help="another seed draws other people")] = 20260101,
    out: Annotated[Path, typer.Option(help="folder of pathway.md and pathway.svg")] = Path("docs"),
    bundles: Annotated[Path, typer.Option(help="folder of screen, presurgical and pathway.json")] = Path(
        "models/covid"
    ),
) -> None:
    """Certify drawn pathways over and over, count broken promises, and measure the shipped one."""
    shipped = Shipped.open(bundles)
    results = list(run([World(correlation) for correlation in CORRELATIONS], repeats, seed))
    out.mkdir(parents=True, exist_ok=True)
    text = page(results, shipped, repeats, seed)
    (out / "pathway.md").write_text(text)
    draw(results, out / "pathway.svg")
    Console().print(text, soft_wrap=True, markup=False)
    unsound = [(result.world.correlation, name) for result in results for name in result.unsound]
    for correlation, name in unsound:
        Console().print(f"Broken more often than allowed at correlation {correlation:g}: {name}.")
    if unsound:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
