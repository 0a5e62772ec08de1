from __future__ import annotations

import pytest

from models.curve import Curve
from models.intervals import wilson
from models.subgroup import Subgroup, subgroup_table, suppressed


def group(column: str, value: str, sick: int, healthy: int) -> Subgroup:
    """People of whom half of each kind score 0.2, the other half 0.8."""
    scores = [0.2 if place % 2 else 0.8 for place in range(sick)] + [
        0.8 if place % 2 else 0.2 for place in range(healthy)
    ]
    return Subgroup(column=column, value=value, curve=Curve.of(scores, [1] * sick + [0] * healthy))


def hidden(*groups: Subgroup, smallest: int = 10) -> str:
    return " ".join(one.value for one, held in zip(groups, suppressed(groups, smallest=smallest), strict=True) if held)


def test_each_group_has_its_own_figures_in_the_order_given() -> None:
    groups = [group("sex", "f", 20, 40), group("sex", "m", 10, 31), group("age", "old", 12, 12)]
    table = subgroup_table(groups, 0.5, 0.5)
    assert [(row.column, row.value, row.rows, row.positives, row.suppressed) for row in table] == [
        ("sex", "f", 60, 20, False),
        ("sex", "m", 41, 10, False),
        ("age", "old", 24, 12, False),
    ]
    assert table[1].recall == wilson(5, 10)
    assert table[1].specificity == wilson(16, 31)


def test_the_indeterminate_are_neither_flagged_nor_cleared() -> None:
    row = subgroup_table([group("sex", "f", 20, 40)], 0.9, 0.1)[0]
    assert (row.recall, row.specificity) == (wilson(0, 20), wilson(0, 40))


@pytest.mark.parametrize(("sick", "healthy"), [(9, 100), (100, 9), (0, 100), (100, 0), (3, 4)])
def test_a_group_of_too_few_of_either_kind_shows_nothing(sick: int, healthy: int) -> None:
    row = subgroup_table([group("site", "here", sick, healthy)], 0.5, 0.5)[0]
    assert row.suppressed
    assert (row.rows, row.positives, row.recall, row.specificity) == (None, None, None, None)


def test_a_group_of_exactly_the_smallest_number_is_shown() -> None:
    row = subgroup_table([group("site", "here", 10, 10)], 0.5, 0.5)[0]
    assert not row.suppressed
    assert row.rows == 20
    assert subgroup_table([group("site", "here", 10, 10)], 0.5, 0.5, smallest=11)[0].suppressed


def test_one_held_back_group_takes_the_next_smallest_of_its_column_with_it() -> None:
    few, some, many = group("race", "a", 2, 50), group("race", "b", 20, 50), group("race", "c", 20, 51)
    other = group("sex", "f", 11, 11)
    assert hidden(many, few, other, some) == "a b"


def test_held_back_groups_that_are_enough_together_take_no_other_with_them() -> None:
    assert hidden(group("race", "a", 5, 50), group("race", "b", 5, 50), group("race", "c", 20, 50)) == "a b"


def test_held_back_groups_that_are_few_even_together_take_others_until_they_are_not() -> None:
    few = [group("race", "a", 2, 20), group("race", "b", 3, 20)]
    assert hidden(*few, group("race", "c", 20, 50), group("race", "d", 20, 60)) == "a b c"


def test_nobody_of_a_kind_is_as_telling_as_a_few() -> None:
    assert hidden(group("race", "a", 0, 50), group("race", "b", 20, 50)) == "a b"


def test_a_single_group_with_no_other_to_hide_behind_is_held_back_alone() -> None:
    assert hidden(group("smoker", "yes", 2, 50), group("sex", "f", 20, 50)) == "yes"


def test_clearing_above_the_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^clear_below: should be at most the threshold 0\.4, got 0\.5\.$"):
        subgroup_table([], 0.4, 0.5)
