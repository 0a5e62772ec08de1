"""A comparison as a page of Markdown."""

from __future__ import annotations

from models.card import table
from models.comparison import PLAIN, Comparison, Found

METHOD = """Every candidate has the same rows, network, other terms and budget in every seed; no row of the test part
is used. The weighted models are those of the study; *plain* is the first of them with cross-entropy, no weights and
plain sampling, and answers with two thresholds; each loss takes the place of its cross-entropy. A figure is read off
the judged people's own curve, so it says how well a model ranks, which is all that a loss can change. Differences are
paired: {resamples:,} resamples of people and of seeds, the same for all candidates, with percentile intervals of 95 %.
A verdict is "no difference" if 0 lies within; how large one could still be, the interval says. Where many are
compared some differ by luck: in the last column stands which differences hold when all are counted (Holm)."""


def page(comparison: Comparison, picture: str, *, command: str, level: int = 1) -> str:
    """The words, the picture, and a table a figure, under a heading of `level`; `command` is what makes it again."""
    mark = "#" * level
    lines = [
        f"{mark} What weighting and losses change: {comparison.study}",
        "",
        f"`{command}`",
        "",
        f"Measured on {comparison.basis} ({comparison.people:,} different people in all). {comparison.dealt}",
        "",
        *(f"- {line}" for line in comparison.words),
        *(f"- {name} could not be trained: {why}" for name, why in comparison.refused.items()),
        "",
        f"![Differences from the plain model, with 95 % intervals]({picture})",
        "",
    ]
    for place, figure in enumerate(comparison.figures):
        good = "lower" if figure.lower_is_better else "higher"
        lines += [f"{mark}# {str(figure)[0].upper()}{str(figure)[1:]} ({good} is better)", ""]
        lines += table(
            ["candidate", "what it is", "mean of the seeds [95 %]", "less plain [95 %]", "verdict", "all counted"],
            [[each.name, each.what, *_cells(each.name, each.found[place])] for each in comparison.candidates],
        )
    return "\n".join([*lines, METHOD.format(resamples=comparison.resamples), ""])


def _cells(name: str, found: Found) -> list[str]:
    value = f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
    if (difference := found.difference) is None:
        assert name == PLAIN
        return [value, "", "", ""]
    apart = f"{difference.value:+.4f} [{difference.low:+.4f}, {difference.high:+.4f}]"
    holds = "" if difference.verdict == "no difference" else "holds" if difference.holds else "may be luck"
    return [value, apart, difference.verdict, holds]
