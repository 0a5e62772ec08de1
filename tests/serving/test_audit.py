from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.audit import verify
from serving.change import Change

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
OBJECT = st.dictionaries(st.text(), JSON, max_size=2)
TEXT = st.text(string.ascii_letters + "é \n", min_size=1).filter(str.strip)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "endpoint": st.text(),
    "bundle": st.text(),
    "version": st.integers(),
    "setting": OBJECT,
    "outcome": OBJECT,
    "by": st.text(),
    "at": st.text(),
    "reason": st.text(),
    "previous": st.text(),
    "hash": st.text(),
}


def chain(given_fields: list[tuple[dict[str, Any], dict[str, Any], str, str]]) -> list[Change]:
    changes: list[Change] = []
    for setting, outcome, by, reason in given_fields:
        after = changes[-1] if changes else None
        changes.append(
            Change.make("screen", "b" * 64, after=after, setting=setting, outcome=outcome, by=by, reason=reason)
        )
    return changes


CHAINS = st.lists(st.tuples(OBJECT, OBJECT, TEXT, TEXT), min_size=1, max_size=4).map(chain)


def of(length: int) -> list[Change]:
    return chain([({"number": number}, {}, "ada", "why") for number in range(length)])


def paths(changes: list[Change]) -> list[str]:
    return [problem.path for problem in verify(changes)]


@given(CHAINS)
def test_changes_as_they_were_made_have_no_problem(changes: list[Change]) -> None:
    assert verify(changes) == []


def test_no_change_at_all_has_no_problem() -> None:
    assert verify([]) == []


@given(CHAINS, st.sampled_from(sorted(VALUES)), st.data())
def test_any_altered_field_is_found_and_named_by_its_place(
    changes: list[Change], field: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(changes) - 1))
    changed = changes[place].model_copy(update={field: data.draw(VALUES[field])})
    # 1 and 1.0 are equal in Python, and not the same text.
    if repr(changed) == repr(changes[place]):
        return

    found = paths([*changes[:place], changed, *changes[place + 1 :]])

    assert f"changes.{place}.hash" in found


@given(CHAINS.filter(lambda changes: len(changes) > 1), st.sampled_from(["by", "reason", "outcome"]), st.data())
def test_an_altered_field_with_a_new_hash_breaks_the_link_to_the_next(
    changes: list[Change], field: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(changes) - 2))
    altered = changes[place].model_copy(update={field: data.draw(VALUES[field])})
    if repr(altered) == repr(changes[place]):
        return
    altered = altered.model_copy(update={"hash": altered.sealed()})

    assert paths([*changes[:place], altered, *changes[place + 1 :]]) == [f"changes.{place + 1}.previous"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_deleted_change_is_found_where_the_next_one_stands(place: int) -> None:
    changes = of(4)
    del changes[place]

    problems = verify(changes)

    assert [problem.path for problem in problems] == [f"changes.{place}.version", f"changes.{place}.previous"]
    assert str(problems[0]) == f"changes.{place}.version: should be {place + 1}, got {place + 2}."


@given(st.permutations(range(5)))
def test_changes_in_another_order_are_found(order: list[int]) -> None:
    changes = of(5)

    found = paths([changes[number] for number in order])

    assert bool(found) is (order != sorted(order))


def test_rows_that_swapped_their_versions_are_found_by_their_hashes() -> None:
    first, second, third, fourth = of(4)
    swapped = [first, third.model_copy(update={"version": 2}), second.model_copy(update={"version": 3}), fourth]

    assert {"changes.1.hash", "changes.2.hash"} <= set(paths(swapped))


def test_a_change_that_was_put_in_is_found() -> None:
    changes = of(3)

    assert paths([*changes[:2], changes[1], changes[2]]) == ["changes.2.version", "changes.2.previous"]


def test_a_change_from_another_bundle_is_found_although_it_fits_the_chain() -> None:
    first = of(1)[0]
    strange = Change.make("presurgical", "c" * 64, after=first, setting={}, outcome={}, by="ada", reason="why")

    assert paths([first, strange]) == ["changes.1.endpoint", "changes.1.bundle"]


def test_a_tail_that_was_cut_off_cannot_be_found_by_the_chain_alone() -> None:
    assert verify(of(4)[:2]) == []
