from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from models.errors import BadInput
from serving.once import NAMED, check_once


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ('{"a": 1, "a": 2}', ["a"]),
        ('{"a": 1, "\\u0061": 2, "a": 3}', ["a"]),
        ('{"rows": [{"age": 1}, {"age": 1, "eye": 2, "age": 3, "eye": 4}]}', ["rows.1.age", "rows.1.eye"]),
        ('{"rows": [{"age": {"x": [1, {"y": 1, "y": 2}]}}], "z": 1, "z": 1}', ["z", "rows.0.age.x.1.y"]),
        ('[[{"a": 1, "a": 2}]]', ["0.0.a"]),
        # What stood in the first of both is gone, but not that it was there.
        ('{"a": {"b": 1, "b": 2}, "a": 3}', ["a"]),
    ],
)
def test_every_name_that_comes_again_is_named(body: str, paths: list[str]) -> None:
    with pytest.raises(BadInput) as refused:
        check_once(body.encode())
    assert [each.path for each in refused.value.refusals] == paths
    assert {(each.rule, each.got) for each in refused.value.refusals} == {
        ("should be given once", "several of that name")
    }


@given(
    some.recursive(
        some.none() | some.integers() | some.text(),
        lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
        max_leaves=20,
    )
)
def test_what_names_everything_once_passes(value: object) -> None:
    check_once(json.dumps(value).encode())


def test_not_more_are_named_than_a_person_reads() -> None:
    rows = ",".join(['{"a": 1, "a": 1}'] * (NAMED + 50))
    with pytest.raises(BadInput) as refused:
        check_once(f"[{rows}]".encode())
    assert len(refused.value.refusals) == NAMED
