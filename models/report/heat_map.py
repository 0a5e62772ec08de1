"""How hard each loss pulled where, as a heat map."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from models.pulls import Look
from models.report.plots import GRID, INK, TEST, drawing

# Between the faintest and the darkest cell; what is fainter still is as faint.
DECADES = 3.0
ROW_HEIGHT = 0.42


def heat_map(name: str, look: Look, rows: tuple[str, ...], taps: tuple[str, ...], strongest: float) -> str:
    """One look as SVG: a row a term, a column a tap, the darker the harder; a cross where a term does not reach."""

    def draw(axes: Axes) -> None:
        for row, norms in enumerate(look.norms):
            for column, norm in enumerate(norms):
                _cell(axes, column, row, norm, strongest)
        axes.set(xlim=(-0.5, len(taps) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        axes.set_xticks(range(len(taps)), taps, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)

    return drawing(name, draw, size=(4.6, 1.6 + ROW_HEIGHT * len(rows)), grid=False)


def depth(norm: float, strongest: float) -> float:
    """How dark a cell is, from 0 to 1, by the logarithm of its norm.

    >>> depth(1.0, 1.0), round(depth(0.1, 1.0), 2), depth(0.0, 1.0)
    (1.0, 0.67, 0.0)
    """
    if norm <= 0 or strongest <= 0:
        return 0.0
    return max(0.0, 1 + math.log10(norm / strongest) / DECADES)


def _cell(axes: Axes, column: int, row: int, norm: float | None, strongest: float) -> None:
    corner = (column - 0.48, row - 0.48)
    if norm is None:
        axes.text(column, row, "\u00d7", ha="center", va="center", color=GRID)
        return
    alpha = 0.06 + 0.6 * depth(norm, strongest)
    axes.add_patch(Rectangle(corner, 0.96, 0.96, facecolor=TEST, alpha=alpha, edgecolor="none"))
    axes.text(column, row, f"{norm:.2g}", ha="center", va="center", color=INK, fontsize=7.5)
