"""What a history just holds and just does not."""

from __future__ import annotations

from typing import Any

import pytest

from models.errors import BadInput
from serving.audit import verify
from serving.change import Change

FIELDS: dict[str, Any] = {"setting": {}, "outcome": {}, "by": "ada", "reason": "why"}


def changes(length: int) -> list[Change]:
    made: list[Change] = []
    for _ in range(length):
        made.append(Change.make("screen", "bb", after=made[-1] if made else None, **FIELDS))
    return made


@pytest.mark.parametrize(("field", "most"), [("by", 200), ("reason", 2000)])
def test_the_longest_text_is_kept_and_a_longer_or_a_blank_one_is_not(field: str, most: int) -> None:
    kept = Change.make("screen", "bb", after=None, **FIELDS | {field: "x" * most})
    assert len(getattr(kept, field)) == most
    for text in ("x" * (most + 1), "", " \n "):
        with pytest.raises(BadInput) as refused:
            Change.make("screen", "bb", after=None, **FIELDS | {field: text})
        assert str(refused.value).startswith(f"{field}: should be 1 to {most} characters of text, got ")


def test_the_end_of_a_history_is_verified_by_what_came_before_it() -> None:
    first, *rest = changes(3)
    assert verify(rest, after=first) == []
    assert [problem.path for problem in verify(rest)] == ["changes.0.version", "changes.0.previous"]
    assert [problem.path for problem in verify(rest[1:], after=first)] == ["changes.1.version", "changes.1.previous"]
