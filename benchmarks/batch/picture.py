"""Rows a second of each program, as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from benchmarks.batch.figures import Measured, median
from benchmarks.batch.programs import CALL, COMMAND

mpl.use("agg")
from matplotlib import pyplot as plt  # the way it draws is chosen first

BLUE, GREY = "#0072B2", "#999999"


def draw(jobs: dict[str, Measured], file: Path) -> None:
    """A panel a job: bars of whole processes, and a line where the limit of the machine is."""
    names = {head: [name for name in each.names if name != CALL] for head, each in jobs.items()}
    tallest = max(map(len, names.values()), default=1)
    figure, panels = plt.subplots(
        1, max(1, len(jobs)), figsize=(11, 0.4 * tallest + 1.4), layout="constrained", squeeze=False
    )
    for axes, (head, measured) in zip(panels[0], jobs.items(), strict=False):
        places = np.arange(len(names[head]))[::-1]
        rates = [measured.rows / measured.median(name, "seconds") for name in names[head]]
        axes.barh(places, rates, color=[BLUE if name == COMMAND else GREY for name in names[head]])
        axes.set_yticks(places, names[head])
        axes.set_title(head, fontsize=10)
        axes.set_xlabel("rows a second, whole process")
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
        _limit(axes, measured)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _limit(axes: plt.Axes, measured: Measured) -> None:
    rate = measured.rows / median(measured.limits())
    if not np.isnan(rate):
        axes.axvline(rate, color="black", linestyle="--", linewidth=1)
        axes.annotate("limit", (rate, 0), xytext=(-4, 4), textcoords="offset points", ha="right", fontsize=8)
