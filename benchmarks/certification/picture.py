"""The picture: how often each rule breaks its promise, and what one promised recall costs in alarms."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy import stats

from benchmarks.certification.repeats import CERTIFIED, IDEAL, NAIVE, Result

INK, PALE = "#333333", "#cccccc"
# Distinct to colour-blind readers too; each way has a shape of its own.
LOOKS = {
    IDEAL: ("#333333", "_"),
    CERTIFIED: ("#0072b2", "o"),
    NAIVE: ("#e69f00", "x"),
    "MAPIE, default": ("#d55e00", "s"),
    "MAPIE, quantiles of all": ("#cc79a7", "^"),
    "MAPIE, quantiles of the sick": ("#009e73", "v"),
    "MAPIE, of the sick, in sequence": ("#56b4e9", "D"),
}


def draw(results: list[Result], file: Path) -> None:
    """Draw all results; the same ones give the same bytes."""
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "svg.fonttype": "none", "font.size": 9}):
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 6.5), layout="constrained", width_ratios=(3, 2))
        _broken(left, results)
        _alarms(
            right, [result for result in results if result.world.rule == "Recall" and not result.world.population.tied]
        )
        labelled = {
            label: handle
            for axis in (left, right)
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        figure.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=120)
        plt.close(figure)


def _broken(axis: Axes, results: list[Result]) -> None:
    """A row a rule, a point for each of its prevalences and kinds of scores."""
    rules = list(dict.fromkeys(result.world.rule for result in results))
    for place, rule in enumerate(rules):
        lines = [result for result in results if result.world.rule == rule]
        for number, result in enumerate(lines):
            height = place + (number - (len(lines) - 1) / 2) * 0.12
            low, high = stats.binomtest(result.broken(CERTIFIED), result.repeats).proportion_ci(0.95, method="exact")
            axis.plot([low, high], [height, height], color=LOOKS[CERTIFIED][0], linewidth=1)
            for way in (NAIVE, CERTIFIED):
                colour, marker = LOOKS[way]
                label = way if place == number == 0 else None
                share = result.broken(way) / result.repeats
                axis.plot(share, height, marker, color=colour, markersize=4, label=label, linestyle="none")
    axis.axvline(results[0].risk, color=INK, linestyle="--", linewidth=1, label="allowed")
    axis.set_xscale("function", functions=(lambda share: abs(share) ** 0.5, lambda root: root**2))
    axis.set_xlim(0, 1)
    axis.xaxis.set_major_locator(FixedLocator([0, 0.01, 0.05, 0.2, 0.5, 1]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axis.set_yticks(range(len(rules)), rules)
    axis.invert_yaxis()
    axis.set_xlabel("certifications whose promise is truly broken (95 % interval)")
    _tidy(axis)


def _alarms(axis: Axes, results: list[Result]) -> None:
    """The false-positive rate at each prevalence, by way."""
    for place, result in enumerate(results):
        ways = {IDEAL: result.ideal.worth if result.ideal else None} | {
            way: result.worth(way) for way in result.outcomes
        }
        for number, (way, worth) in enumerate(ways.items()):
            colour, marker = LOOKS[way]
            across = place + (number - (len(ways) - 1) / 2) * 0.11
            axis.plot(across, worth, marker, color=colour, label=way if place == 0 else None, linestyle="none")
    axis.set_yscale("log")
    axis.set_ylim(top=1.5)
    axis.set_xticks(range(len(results)), [result.world.odds for result in results])
    axis.set_xlabel("prevalence")
    axis.set_ylabel("false-positive rate where recall ≥ 0.95 is promised")
    _tidy(axis)


def _tidy(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(visible=True, color=PALE, linewidth=0.4)
    axis.set_axisbelow(True)
