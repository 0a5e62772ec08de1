"""What a page of a report is made of: sections of text, tables and figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from models.facts.origin import Origin


@dataclass(frozen=True)
class Source:
    """Where the numbers of a table come from: its place on the page, and a line with the digests, cut short."""

    anchor: str
    text: str


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and smaller beside it an interval or a remark."""

    text: str
    aside: str = ""
    link: str = ""
    mark: str = ""


# What tells the parts apart, wherever their numbers stand beside each other.
TOLD_APART = {
    "test": "test part: nothing was chosen on it",
    "certification": "certification part: thresholds were chosen on it",
}
CROSSED = "certification cases, cross-fitted: thresholds were chosen on them"
Look = Literal["numbers", "words", "tiles"]
Given = str | tuple[str, str] | Cell


@dataclass(frozen=True)
class Table:
    """A table with its caption, its columns' names and the sources of its numbers; the first cell names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sources: tuple[Source, ...]
    look: Look = "numbers"
    anchor: str = ""


@dataclass(frozen=True)
class Drawing:
    """One drawing as SVG, and what it is of."""

    title: str
    svg: str


@dataclass(frozen=True)
class Plot:
    """A figure: drawings, what they show in a sentence, and the table with their numbers."""

    title: str
    says: str
    drawings: tuple[Drawing, ...]
    table: Table


@dataclass(frozen=True)
class Section:
    """One section of the page."""

    anchor: str
    title: str
    text: tuple[str, ...]
    blocks: tuple[Table | Plot, ...] = ()
    points: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def told_apart(origin: Origin) -> str:
    """A part and what its numbers are worth."""
    return CROSSED if origin.taught else TOLD_APART[origin.part]


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Given]],
    sources: Iterable[Source],
    *,
    look: Look = "numbers",
    anchor: str = "",
) -> Table:
    """A table of strings, pairs of a figure and its interval, or cells.

    Raises ValueError if it names no source, or a row has another number of cells than the head.
    """
    made = tuple(tuple(_cell(given) for given in row) for row in rows)
    named = tuple(dict.fromkeys(sources))
    if not named:
        raise ValueError(f"{caption}: a table should name the source of its numbers, got none.")
    for place, row in enumerate(made):
        if len(row) != len(head):
            raise ValueError(f"{caption}: row {place}: should have {len(head)} cells, got {len(row)}.")
    return Table(caption, tuple(head), made, named, look, anchor)


def _cell(given: Given) -> Cell:
    if isinstance(given, Cell):
        return given
    return Cell(given) if isinstance(given, str) else Cell(*given)


def source(origin: Origin) -> Source:
    """The cases of a part, with the digests of their counts and of the data."""
    digests = [f"counts {origin.counts[:12]}"] if origin.counts else []
    digests += [f"data {digest[:12]}" for digest in origin.data.values()]
    cases = f"{origin.named}, {origin.rows:,} cases"
    return Source(f"origin-{origin.part}", " \u00b7 ".join([cases, *digests]))


def manifest_source(digest: str) -> Source:
    """The manifest of the bundle, in which the study and the makers declared something."""
    return Source("origin-manifest", f"declared in the manifest {digest[:12]}")
