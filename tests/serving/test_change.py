from __future__ import annotations

import hashlib
from typing import Any

import pytest

from models.errors import BadInput
from serving.change import NOTHING, Change, version_of

FIELDS: dict[str, Any] = {"setting": {"b": 1.0, "a": "é"}, "outcome": {}, "by": "ada", "reason": "why"}


def test_the_hash_is_sha256_of_all_other_fields_as_sorted_json_without_blanks() -> None:
    change = Change.make("screen", "bb", after=None, **FIELDS)

    text = (
        f'{{"at":"{change.at}","bundle":"bb","by":"ada","endpoint":"screen","outcome":{{}},"previous":"{NOTHING}",'
        '"reason":"why","setting":{"a":"\\u00e9","b":1.0},"version":1}'
    )
    assert change.hash == hashlib.sha256(text.encode()).hexdigest() == change.sealed()


def test_a_change_counts_on_from_the_one_before_and_names_its_hash() -> None:
    first = Change.make("screen", "bb", after=None, **FIELDS)
    second = Change.make("screen", "bb", after=first, **FIELDS)

    assert (version_of(None), version_of(first), version_of(second)) == (0, 1, 2)
    assert (first.previous, second.previous) == ("0" * 64, first.hash)


def test_all_that_cannot_be_kept_is_named_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        Change.make(
            "screen", "bb", after=None, setting={"prevalence": float("inf")}, outcome={}, by="", reason="x" * 2001
        )

    assert [refusal.path for refusal in refused.value.refusals] == ["by", "reason", "setting.prevalence.float"]
