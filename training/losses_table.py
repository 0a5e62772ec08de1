"""The table of all losses in docs/losses.md: `python -m training.losses_table` writes it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_args

import training.losses
from models.value import load_members, members
from training.loss import Loss, Output, Target
from training.undo import rule

PAGE = Path(__file__).parents[1] / "docs" / "losses.md"
BEGIN, END = "<!-- losses -->\n", "<!-- end of losses -->\n"
HEAD = ("loss", "what it is for", "on", "against", "undo of the probability", "source")


def table() -> str:
    """All losses of `training/losses/` as a table of Markdown, ordered by what they are on and against."""
    load_members(training.losses)
    family = members(Loss)  # type: ignore[type-abstract]  # the family is asked for its members
    found = [kind for kind in family if kind.__module__.startswith("training.losses.")]
    lines = [HEAD, ("---",) * len(HEAD), *(_cells(kind) for kind in sorted(found, key=_place))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def written(page: str) -> str:
    """The page with today's table between its two marks.

    Raises ValueError unless both marks are there once, in this order.
    """
    before, first, rest = page.partition(BEGIN)
    _, last, after = rest.partition(END)
    if not first or not last or BEGIN in rest or END in after:
        raise ValueError(f"{PAGE.name}: should hold {BEGIN.strip()} and {END.strip()} once, in this order.")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _place(kind: type[Loss]) -> tuple[int, int, str]:
    return get_args(Output).index(kind.output), get_args(Target).index(kind.target), kind.__name__


def _cells(kind: type[Loss]) -> tuple[str, ...]:
    first, _, rest = inspect.cleandoc(kind.__doc__ or "").partition("\n")
    source = rest.partition("Source: ")[2].partition("\n\n")[0]
    texts = (f"`{kind.__name__}`", first, kind.output, kind.target, rule(kind()), " ".join(source.split()))
    return tuple(text.removesuffix(".").replace("|", "\\|") for text in texts)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
