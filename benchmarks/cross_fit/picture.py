"""True recalls beside the promise, by the size of the table."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

from benchmarks.cross_fit.tables import RECALL, WAYS, Tried


def draw(results: list[Tried], file: Path) -> None:
    """A point a table: certified, and naive beside it."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True, sharey=True)
    certified = [(each.rows, one) for each in results if (one := each.recall[WAYS[0]]) is not None]
    naive = [(each.rows, each.naive) for each in results]
    for at, (axis, title, found) in enumerate(
        zip(axes, ("certified", "no bound: out-of-fold recall >= 0.95"), (certified, naive), strict=True)
    ):
        for kept, colour in ((True, "#2a6f97"), (False, "#c1121f")):
            some = [(rows, one.truth) for rows, one in found if one.kept is kept]
            share = len(some) / max(len(found), 1)
            axis.scatter(
                [rows for rows, _ in some],
                [truth for _, truth in some],
                s=5,
                color=colour,
                alpha=0.6,
                linewidths=0,
                label=f"{'kept' if kept else 'broken'}: {share:.1%}",
            )
        axis.axhline(RECALL, color="#444", linewidth=0.8)
        axis.set(xscale="log", title=title, xlabel="rows of the table", ylim=(0.8, 1.005))
        if not at:
            axis.set_ylabel("true recall of the delivered model")
        axis.legend(loc="lower right", frameon=False, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
