"""A picture of what the models of a study do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.manifest import Manifest

# Told apart with any colour vision, and where one line lies on another.
COLOURS = {"#0072b2": "-", "#d55e00": (0, (4, 2)), "#009e73": "-.", "#cc79a7": ":"}


def draw(manifests: Sequence[Manifest], file: Path) -> None:
    """ROC and precision-recall curves of the certification cases with each operating point, as PNG or SVG."""
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "font.size": 10}):
        figure = Figure(figsize=(10, 4.8), layout="constrained")
        roc, precision = figure.subplots(1, 2)
        for manifest, colour in zip(manifests, cycle(COLOURS), strict=False):
            _roc(roc, manifest, colour)
            _precision(precision, manifest, colour)
        _dress(roc, "Receiver operating characteristic", "1 - specificity", "recall")
        roc.plot([0, 1], [0, 1], color="0.8", linewidth=1, zorder=0)
        _dress(precision, "Precision and recall", "recall", "precision")
        crossed = ", each at the worse of two scores," if all(made.cross_fitted for made in manifests) else ""
        figure.suptitle(f"{manifests[0].study}: certification cases{crossed} and operating points")
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, dpi=120, metadata={"Software": None} if file.suffix == ".png" else {"Date": None})


def _roc(axes: Axes, manifest: Manifest, colour: str) -> None:
    _, hits, alarms = manifest.curve.cumulative
    recall, alarmed = hits / manifest.curve.positive_count, alarms / manifest.curve.negative_count
    # The promise stands in the legend: beside its point it would lie on the curve, or off the axes.
    label = f"{manifest.model}:\n{_promise(manifest)}"
    axes.plot(alarmed, recall, color=colour, linestyle=COLOURS[colour], label=label)
    measured = manifest.point.measured
    x, y = 1 - (measured.specificity.value or 0.0), measured.recall.value or 0.0
    axes.plot(x, y, "o", color=colour, markersize=9)


def _precision(axes: Axes, manifest: Manifest, colour: str) -> None:
    _, hits, alarms = manifest.curve.cumulative
    # The last entry flags nobody: precision is not defined there.
    hits, alarms = hits[:-1], alarms[:-1]
    recall, alarmed = hits / manifest.curve.positive_count, alarms / manifest.curve.negative_count
    prevalence = manifest.point.measured.prevalence
    sick = recall * prevalence
    stated = sick / np.maximum(sick + alarmed * (1 - prevalence), np.finfo(float).tiny)
    axes.plot(
        recall,
        stated,
        color=colour,
        linestyle=COLOURS[colour],
        label=f"{manifest.model}, at prevalence {prevalence:.3g}",
    )
    measured = manifest.point.measured
    axes.plot(measured.recall.value or 0.0, measured.precision.value or 0.0, "o", color=colour, markersize=9)


def _dress(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set(title=title, xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.grid(color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left" if y == "precision" else "lower right")


def _promise(manifest: Manifest) -> str:
    return "\n".join(promise.worded(promise.bound) for promise in manifest.point.promises)
