"""The picture: certified specificity of ours beside that of every peer."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.quality.summary import OURS, Compared

INK, PALE = "#333333", "#cccccc"
BETTER, ALIKE, WORSE = "#0072b2", "#888888", "#d55e00"


def draw(compared: Compared, titles: dict[str, str], file: Path) -> None:
    """A row a peer: its mean, with the interval of its difference to ours; the same runs give the same bytes."""
    means, apart = compared.mean("certified_specificity"), compared.differences("certified_specificity")
    order = sorted((name for name in means if name in apart), key=lambda name: means[name])
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "svg.fonttype": "none", "font.size": 9}):
        figure, axis = plt.subplots(figsize=(9, 1.6 + 0.24 * len(order)), layout="constrained")
        ours = means[OURS]
        axis.axvline(ours, color=INK, linewidth=1.2)
        axis.annotate(
            f"{titles[OURS]}: {ours:.3f}", (ours, 1.0), (3, 3), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="bottom", ha="center", color=INK,
        )  # fmt: skip
        for place, name in enumerate(order):
            each = apart[name]
            colour = (ALIKE, BETTER, WORSE)[each.sure]
            axis.plot([ours - each.high, ours - each.low], [place, place], color=colour, linewidth=1.5)
            axis.plot(ours - each.mean, place, "o", color=colour, markersize=5)
        axis.set_yticks(range(len(order)), [titles[name] for name in order])
        axis.set_ylim(-0.7, len(order) - 0.3)
        axis.grid(axis="x", color=PALE, linewidth=0.5)
        axis.set_axisbelow(True)
        axis.set_xlabel(
            "specificity of the screen at its certified threshold, mean over tables\n"
            "(recall of at least 0.95, confidence 0.9)\n"
            "bars: 95 % interval of the difference to ours, over tables\n"
            "blue: ours is better; grey: no difference; red: worse"
        )
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
        axis.tick_params(axis="y", length=0)
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None, dpi=120)
        plt.close(figure)
