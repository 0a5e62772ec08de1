"""Figures of named groups of people, with those of too few people held back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import Field

from models.curve import Curve
from models.intervals import Estimate, wilson
from models.value import Value

SMALLEST = 10


class Subgroup(Value):
    """The people of whom a column says one thing, and their curve."""

    column: str
    value: str = Field(description="what the column says, in words")
    curve: Curve


class SubgroupRow(Value):
    """What an operating point does for one group of people; all is None where it is held back."""

    column: str
    value: str
    rows: int | None = Field(ge=0)
    positives: int | None = Field(ge=0)
    recall: Estimate | None = Field(description="flagged, of all the sick")
    specificity: Estimate | None = Field(description="cleared, of all the healthy")
    suppressed: bool


def subgroup_table(
    groups: Iterable[Subgroup], threshold: float, clear_below: float, *, smallest: int = SMALLEST
) -> tuple[SubgroupRow, ...]:
    """What flagging at `threshold` and clearing below `clear_below` does for each group, in their order.

    Groups that `suppressed` names are held back: nobody should be told from the table.

    Raises ValueError if `clear_below` lies above `threshold`.

    >>> few, many = Curve.of([0.5], [1]), Curve.of([0.2] * 20 + [0.8] * 20, [0] * 20 + [1] * 20)
    >>> groups = [Subgroup(column="sex", value="f", curve=many), Subgroup(column="smoker", value="yes", curve=many)]
    >>> print(subgroup_table(groups, 0.5, 0.5)[0].recall)
    1.0000 [0.8389, 1.0000]
    >>> [row.suppressed for row in subgroup_table([*groups, Subgroup(column="sex", value="m", curve=few)], 0.5, 0.5)]
    [True, False, True]
    """
    if clear_below > threshold:
        raise ValueError(f"clear_below: should be at most the threshold {threshold}, got {clear_below}.")
    members = tuple(groups)
    held = suppressed(members, smallest=smallest)
    return tuple(
        _held_back(group) if hidden else _measured(group, threshold, clear_below)
        for group, hidden in zip(members, held, strict=True)
    )


def suppressed(groups: Sequence[Subgroup], *, smallest: int = SMALLEST) -> tuple[bool, ...]:
    """Which groups are to be held back because they are of too few people.

    These are groups of fewer than `smallest` sick or healthy people, none included. What those of one column are
    together can be had by subtraction from the whole: if that is fewer than `smallest` too, as it is of a single
    group, the next smallest groups of the column are held back as well until it is not.

    Sources: CDC WONDER, data use restrictions (counts of 0 to 9 are not shown); Hundepool et al., "Statistical
    Disclosure Control", Wiley 2012 (secondary suppression).
    """
    held = {place for place, group in enumerate(groups) if _fewest([group.curve]) < smallest}
    for column in {group.column for group in groups}:
        places = [place for place, group in enumerate(groups) if group.column == column]
        hidden = [place for place in places if place in held]
        shown = sorted(set(places) - held, key=lambda place: (_people(groups[place].curve), place))
        while hidden and shown and _fewest([groups[place].curve for place in hidden]) < smallest:
            hidden.append(shown.pop(0))
        held.update(hidden)
    return tuple(place in held for place in range(len(groups)))


def _people(curve: Curve) -> int:
    return curve.positive_count + curve.negative_count


def _fewest(curves: list[Curve]) -> int:
    return min(sum(curve.positive_count for curve in curves), sum(curve.negative_count for curve in curves))


def _held_back(group: Subgroup) -> SubgroupRow:
    return SubgroupRow(
        column=group.column, value=group.value, rows=None, positives=None, recall=None, specificity=None,
        suppressed=True,
    )  # fmt: skip


def _measured(group: Subgroup, threshold: float, clear_below: float) -> SubgroupRow:
    curve = group.curve
    cleared = curve.at(clear_below)
    return SubgroupRow(
        column=group.column,
        value=group.value,
        rows=_people(curve),
        positives=curve.positive_count,
        recall=wilson(curve.at(threshold).hits, curve.positive_count),
        specificity=wilson(cleared.clears, cleared.negatives),
        suppressed=False,
    )
