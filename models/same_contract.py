"""Whether one bundle can answer in the place of another one: is it asked the same, and does it answer the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from models.errors import Refusal, shown
from models.manifest import Manifest
from models.value import Value


def against(running: Manifest, other: Manifest) -> list[Refusal]:
    """Where the contract of another bundle differs from that of the running one; nothing if it is the same.

    Columns with their order, image, symptoms and target count, words included: they stand in the types and in the
    description of the addresses, which are made when a service starts.
    """
    return [
        *_each("columns", running.columns.columns, other.columns.columns),
        *_value("image", running.columns.image, other.columns.image),
        *_each("symptoms", running.symptoms, other.symptoms),
        *_value("target", running.target, other.target),
    ]


def _each(path: str, ours: Sequence[Any], theirs: Sequence[Any]) -> Iterator[Refusal]:
    mine, other = ({each.name: each for each in some} for some in (ours, theirs))
    for name in dict.fromkeys([*mine, *other]):
        yield from _value(f"{path}.{name}", mine.get(name), other.get(name))
    if mine.keys() == other.keys() and list(mine) != list(other):
        yield Refusal(path, f"should be in the order {', '.join(mine)}", ", ".join(other))


def _value(path: str, ours: Value | None, theirs: Value | None) -> Iterator[Refusal]:
    if ours is None or theirs is None or type(ours) is not type(theirs):
        if ours != theirs:
            yield Refusal(path, f"should be {_kind(ours)}, as in the bundle that runs", _kind(theirs))
        return
    for name in type(ours).model_fields:
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other:
            yield Refusal(f"{path}.{name}", f"should be {shown(mine)}, as in the bundle that runs", shown(other))


def _kind(value: Value | None) -> str:
    return "nothing" if value is None else type(value).__name__
