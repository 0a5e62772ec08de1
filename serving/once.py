"""A name that a JSON object gives twice is refused: a reader of JSON takes the last, and the first may be meant."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from models.errors import BadInput, Refusal

# As many as a person reads.
NAMED = 100


class Doubled(dict[str, Any]):
    """An object in which the names of `again` came more than once."""

    def __init__(self, pairs: list[tuple[str, Any]], again: list[str]) -> None:
        super().__init__(pairs)
        self.again = again


def check_once(body: bytes) -> None:
    """Raises BadInput naming each name of a body, JSON that can be read, that an object gives more than once.

    >>> check_once(b'{"rows": [{"age": 61, "age": 16}]}')
    Traceback (most recent call last):
    models.errors.BadInput: rows.0.age: should be given once, got several of that name.
    """
    found: list[Doubled] = []

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) == len(names):
            return dict(pairs)
        again = Doubled(pairs, [name for name, times in Counter(names).items() if times > 1])
        found.append(again)
        return again

    read = json.loads(body, object_pairs_hook=kept)
    if found:
        # One that stands in a value which came twice itself can not be reached any more; its name is known.
        paths = list(_paths(read, "")) or [name for each in found for name in each.again]
        raise BadInput([Refusal(path, "should be given once", "several of that name") for path in paths[:NAMED]])


def _paths(value: Any, at: str) -> Iterator[str]:
    if isinstance(value, Doubled):
        yield from (f"{at}{name}" for name in value.again)
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, f"{at}{name}.")
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _paths(part, f"{at}{place}.")
