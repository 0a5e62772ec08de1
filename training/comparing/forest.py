"""A forest plot: each candidate's difference from the plain model, with its interval."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from models.comparison import PLAIN, Comparison
from training.report import COLOURS

BLUE, ORANGE, GREEN, _ = COLOURS
# A shape for each, for those who do not see the colours.
LOOKS = {"better": (GREEN, "^"), "worse": (ORANGE, "v"), "no difference": ("0.45", "o")}


def draw(comparison: Comparison, file: Path) -> None:
    """One panel a figure, as SVG or PNG; the same comparison gives the same bytes."""
    names = [each.name for each in comparison.candidates if each.name != PLAIN]
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "font.size": 10}):
        picture = Picture(figsize=(5.2 * len(comparison.figures) + 1, 0.3 * len(names) + 1.8), layout="constrained")
        panels = picture.subplots(1, len(comparison.figures), sharey=True, squeeze=False)[0]
        for place, panel in enumerate(panels):
            _panel(panel, comparison, place, names)
        panels[0].set_yticks(range(len(names)), names)
        panels[0].invert_yaxis()
        picture.suptitle(f"{comparison.study}: less the plain model, {comparison.basis}", fontsize=10)
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.savefig(file, dpi=120, metadata={"Software": None} if file.suffix == ".png" else {"Date": None})


def _panel(panel: Axes, comparison: Comparison, place: int, names: list[str]) -> None:
    figure, differences = comparison.figures[place], comparison.differences(place)
    for row, name in enumerate(names):
        found = differences[name]
        colour, marker = LOOKS[found.verdict]
        panel.plot([found.low, found.high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
        # Filled if it holds though all are counted.
        panel.plot(found.value, row, marker, color=colour, markerfacecolor=colour if found.holds else "white")
    panel.axvline(0, color=BLUE, linewidth=1, zorder=0)
    panel.set_title(str(figure), fontsize=10)
    panel.set_xlabel("better to the left" if figure.lower_is_better else "better to the right")
    panel.grid(axis="x", color="0.92")
    panel.spines[["top", "right"]].set_visible(False)
