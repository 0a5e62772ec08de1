from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.site_prevalence.estimating import CLAIMED, PREVALENCES, Result
from benchmarks.site_prevalence.weeks import Week

OURS, EM, INK = "#1b6ca8", "#e08a2e", "#333333"
LINES = {
    "60|1.0": ("o-", "60 sick"),
    "1000|1.0": ("s-", "1,000 sick"),
    "1000|1.5": ("^--", "1,000, who score more widely"),
}


def draw(results: Sequence[Result], weeks: Sequence[Week], file: Path) -> None:
    """How often intervals hold the truth, and what was estimated week by week."""
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
        _covered(axes[0], results)
        _weekly(axes[1], weeks)
        figure.savefig(file, metadata={"Date": None})
        plt.close(figure)


def _covered(axis: Axes, results: Sequence[Result]) -> None:
    by_name = {result.name: result for result in results}
    for kind, (mark, label) in LINES.items():
        found = [by_name[f"{name}|{kind}"] for name in PREVALENCES]
        ours = [result.held / max(len(result.answered), 1) for result in found]
        axis.plot(range(len(found)), ours, mark, color=OURS, markersize=4, label=f"ours, certified on {label}")
        axis.plot(range(len(found)), [result.covered("em") for result in found], mark, color=EM, markersize=4)
    axis.plot([], [], "-", color=EM, label="EM alone, the same")
    axis.axhline(CLAIMED, color=INK, linewidth=0.8)
    axis.set_xticks(range(len(PREVALENCES)), list(PREVALENCES))
    axis.set_ylim(0, 1.02)
    axis.set_title("Intervals that hold the true prevalence", color=INK)
    axis.legend(frameon=False, fontsize=8, loc="lower left")
    axis.spines[["top", "right"]].set_visible(False)


def _weekly(axis: Axes, weeks: Sequence[Week]) -> None:
    days = list(dict.fromkeys(week.days for week in weeks))
    names = list(dict.fromkeys(week.bundle for week in weeks))
    truth = [next((100 * week.share for week in weeks if week.days == each), np.nan) for each in days]
    axis.plot(range(len(days)), truth, "_", color=INK, markersize=24, markeredgewidth=2, label="true")
    for shift, (name, colour) in enumerate(zip(names, (OURS, EM), strict=False)):
        told = [week.found for week in weeks if week.bundle == name]
        for place, found in enumerate(told):
            if found is None:
                continue
            value, low, high = (100 * share for share in (found.value, found.low, found.high))
            axis.errorbar(
                place - 0.1 + 0.2 * shift, value, yerr=[[value - low], [high - value]], fmt="o", color=colour,
                markerfacecolor=colour if found.trusted else "white", markersize=5, capsize=2, linewidth=1,
                label=name if place == 0 else None,
            )  # fmt: skip
    axis.set_xticks(range(len(days)), [f"{first}-{last} April" for first, last in days])
    axis.set_ylim(bottom=0)
    axis.set_ylabel("% sick")
    axis.set_title("COVID-19 tests; hollow: not trusted", color=INK)
    axis.legend(frameon=False, fontsize=8)
    axis.spines[["top", "right"]].set_visible(False)
