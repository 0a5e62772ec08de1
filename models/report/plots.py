"""The figures of a report, drawn by matplotlib as SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from itertools import cycle

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.calibration_curve import CalibrationCurve
from models.facts.facts import Facts
from models.facts.performance import Drawn, Performance
from models.figures import Figures

# Drawn in these and written as the page's own, which differ between light and dark.
INK, GRID, TEST, CERTIFICATION = "#010203", "#d1d2d3", "#0072b2", "#d55e00"
COLOURS = {INK: "var(--ink)", GRID: "var(--grid)", TEST: "var(--first)", CERTIFICATION: "var(--second)"}
LOOKS = {"test": (TEST, "-", "o"), "certification": (CERTIFICATION, (0, (4, 2)), "s")}
POINTS = "oD^vPX*<>"
SIZE = (4.6, 3.9)


def roc(facts: Facts) -> str:
    """Recall against the share of the healthy that is flagged, with the operating points."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
        for part, drawn in _drawn(facts):
            colour, line, _ = LOOKS[part.origin.part]
            x, y = [corner.alarmed for corner in drawn.corners], [corner.recall for corner in drawn.corners]
            axes.plot(x, y, color=colour, linestyle=line, label=f"{part.origin.named}")
        for part in reversed(facts.parts):
            # Of those flagged, also where there is a zone between: specificity is of those cleared.
            _marks(axes, part, [(name, _alarmed(each), each.recall.value) for name, each in _at(part)])
        _legend_points(axes, facts)
        _dress(axes, "healthy people flagged (1 \u2212 specificity)", "sick people flagged (sensitivity)")
        axes.legend(frameon=False, loc="lower right")

    return _svg("roc", draw)


def precision_recall(facts: Facts) -> str:
    """Precision at the base prevalence against recall, with the operating points."""

    def draw(axes: Axes) -> None:
        base = facts.prevalences[0]
        axes.plot([0, 1], [base, base], color=GRID, linewidth=1)
        for part, drawn in _drawn(facts):
            colour, line, _ = LOOKS[part.origin.part]
            known = [(corner.recall, corner.precision) for corner in drawn.corners if corner.precision is not None]
            x, y = [recall for recall, _ in known], [precision for _, precision in known]
            axes.plot(x, y, color=colour, linestyle=line, label=f"{part.origin.named}")
        for part in reversed(facts.parts):
            _marks(axes, part, [(name, each.recall.value, each.precision.value) for name, each in _at(part)])
        _legend_points(axes, facts)
        _dress(axes, "sick people flagged (sensitivity)", "flagged people who are sick (PPV)")
        axes.legend(frameon=False, loc="best")

    return _svg("precision-recall", draw)


def calibration(facts: Facts) -> str:
    """How often people of each expected probability were sick, in bins, with intervals."""

    def draw(axes: Axes) -> None:
        found = _drawn(facts)
        top = min(1.05 * max(_reach(drawn.calibration) for _, drawn in found), 1.02)
        axes.plot([0, top], [0, top], color=GRID, linewidth=1)
        for part, drawn in reversed(found):
            colour, _, mark = LOOKS[part.origin.part]
            for each in drawn.calibration.bins:
                axes.plot([each.expected] * 2, [each.observed.low, each.observed.high], color=colour, linewidth=1)
            axes.plot(
                [each.expected for each in drawn.calibration.bins],
                [each.observed.value or 0.0 for each in drawn.calibration.bins],
                mark,
                color=colour,
                markersize=5,
                markerfacecolor=colour if part is facts.shown else "none",
                label=f"{part.origin.named}",
            )
        _dress(axes, "expected probability", "observed share of sick", top)
        axes.legend(frameon=False, loc="upper left")

    return _svg("calibration", draw)


def decision(facts: Facts) -> str:
    """Net benefit over the threshold probability, with the released point's."""

    def draw(axes: Axes) -> None:
        part, drawn = _drawn(facts)[0]
        curve, (colour, line, _) = drawn.decision, LOOKS[part.origin.part]
        axes.fill_between(curve.thresholds, curve.low, curve.high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(curve.thresholds, curve.model, color=colour, linestyle=line, label=f"model, {part.origin.named}")
        axes.plot(curve.thresholds, curve.all, color=INK, linestyle="-.", linewidth=1, label="flag everybody")
        axes.axhline(0, color=INK, linestyle=":", linewidth=1, label="flag nobody")
        end = curve.thresholds[-1]
        points = drawn.decision_points
        shapes = dict(zip((each.point.name for each in facts.points), cycle(POINTS), strict=False))
        for name, threshold, benefit in zip(drawn.decided, points.thresholds, points.model, strict=True):
            if threshold <= end:
                axes.plot(threshold, benefit, shapes[name], color=colour, markersize=8, label=f"point {name}")
        top = max(*curve.high, curve.prevalence)
        axes.set(xlabel="threshold probability", ylabel="net benefit", xlim=(0, end), ylim=(-0.3 * top, 1.1 * top))
        axes.legend(frameon=False, loc="upper right")

    return _svg("decision", draw)


def _drawn(facts: Facts) -> list[tuple[Performance, Drawn]]:
    return [(part, part.drawn) for part in facts.parts if part.drawn]


def _at(part: Performance) -> Iterable[tuple[str, Figures]]:
    """Each point with its figures at the base prevalence."""
    return ((point.name, point.figures[0]) for point in part.points)


def _alarmed(figures: Figures) -> float | None:
    """Share of the healthy that is flagged."""
    kept = figures.specificity_range[0].value
    return None if kept is None else 1 - kept


def _marks(axes: Axes, part: Performance, points: list[tuple[str, float | None, float | None]]) -> None:
    """The operating points of a part, one shape each; filled where nothing was chosen on the cases."""
    colour = LOOKS[part.origin.part][0]
    for (_, x, y), shape in zip(points, cycle(POINTS), strict=False):
        if x is not None and y is not None:
            filled = colour if part.origin.part == "test" else "none"
            axes.plot(x, y, shape, color=colour, markersize=8, markerfacecolor=filled)


def _legend_points(axes: Axes, facts: Facts) -> None:
    for each, shape in zip(facts.points, cycle(POINTS), strict=False):
        axes.plot([], [], shape, color=INK, markersize=7, label=f"point {each.point.name}")


def _reach(curve: CalibrationCurve) -> float:
    return max(max(each.expected, each.observed.value or 0) for each in curve.bins)


def _dress(axes: Axes, x: str, y: str, top: float = 1.0) -> None:
    edge = 0.02 * top
    axes.set(xlabel=x, ylabel=y, xlim=(-edge, top + edge), ylim=(-edge, top + edge))


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    return drawing(name, draw, size=SIZE)


def drawing(name: str, draw: Callable[[Axes], None], *, size: tuple[float, float], grid: bool = True) -> str:
    """Draw with matplotlib's own defaults, whatever the machine's settings, and give the bare SVG."""
    file = io.StringIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        # Text stays text; without the salt and the date the same figure would have other bytes each time.
        mpl.rcParams.update({"svg.hashsalt": f"fulcrum {name}", "svg.fonttype": "none", "font.size": 10})
        mpl.rcParams.update(dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color"), INK))
        mpl.rcParams.update({"xtick.color": INK, "ytick.color": INK, "lines.linewidth": 1.8})
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        draw(axes)
        if grid:
            axes.grid(color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return bare(file.getvalue(), name)


def bare(svg: str, name: str) -> str:
    """The drawing alone: no prologue, no metadata, no size, no style sheet; its ids begin with `name`."""
    text = svg[svg.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font-family: [^;\"]*; ", "", text)
    for drawn, written in COLOURS.items():
        text = text.replace(drawn, written)
    return text
