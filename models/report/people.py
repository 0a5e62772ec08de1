"""A thousand people, each one mark: who is found, missed, alarmed in vain, left undecided or cleared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from models.figures import Figures

COLUMNS, STEP = 50, 10
KINDS = (
    ("sick_found", "sick, flagged"),
    ("sick_indeterminate", "sick, undecided"),
    ("sick_missed", "sick, missed"),
    ("alarmed_in_vain", "healthy, flagged in vain"),
    ("healthy_indeterminate", "healthy, undecided"),
    ("cleared", "healthy, cleared"),
)


class Thousand(NamedTuple):
    """1,000 people, in the order of `KINDS`."""

    sick_found: int
    sick_indeterminate: int
    sick_missed: int
    alarmed_in_vain: int
    healthy_indeterminate: int
    cleared: int

    @property
    def flagged(self) -> int:
        """Sick or healthy."""
        return self.sick_found + self.alarmed_in_vain


def thousand(figures: Figures) -> Thousand | None:
    """Whole people, none of a kind that was not measured.

    All who are flagged and the sick are rounded; the healthy of whom are then the rest.
    """
    at, flagged = figures.per_1000, figures.flagged.value
    if at.sick_found is None or at.alarmed_in_vain is None or flagged is None:
        return None
    found, unsure_sick, missed, unsure_healthy = (
        round(number or 0)
        for number in (at.sick_found, at.sick_indeterminate, at.sick_missed, at.healthy_indeterminate)
    )
    vain = max(round(1000 * flagged) - found, 0)
    rest = 1000 - found - unsure_sick - missed - vain - unsure_healthy
    return Thousand(found, unsure_sick, missed, vain, unsure_healthy, max(rest, 0))


def picture(people: Thousand) -> str:
    """The people as SVG, the sick as discs and the healthy as squares."""
    rows = 1000 // COLUMNS
    paths = "".join(
        f'<path class="{name}" d="{"".join(_mark(name, place) for place in places)}"/>'
        for name, places in _places(people)
    )
    return f'<svg viewBox="0 0 {COLUMNS * STEP} {rows * STEP}" aria-hidden="true">{paths}</svg>'


def _places(counts: Sequence[int]) -> Iterator[tuple[str, range]]:
    start = 0
    for (name, _), count in zip(KINDS, counts, strict=True):
        if count:
            yield name, range(start, start + count)
        start += count


def _mark(name: str, place: int) -> str:
    x, y = place % COLUMNS * STEP, place // COLUMNS * STEP
    if name.startswith("sick"):
        return f"M{x + 1} {y + 5}a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"
    return f"M{x + 2} {y + 2}h6v6h-6z"
