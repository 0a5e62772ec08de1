"""People as Python has them -> JSON, or a named refusal of what JSON can not say."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from fulcrum.client.errors import RefusedInput
from fulcrum.client.told import Refusal


class Listed(Protocol):
    """What has plain values: a number or an array of numpy, which need not be loaded."""

    def tolist(self) -> Any: ...


# A photograph is bytes, as they lie in its file; None is what is not known, where the model allows it.
Cell = float | str | bool | bytes | Listed | None
Row = Mapping[str, Cell]
Columns = Mapping[str, Sequence[Cell] | Listed]
# The name of a point of the bundle, a threshold, or a contract in words or by its fields; None is the live point.
Point = str | float | Mapping[str, Any] | None

NUMBER = "should be a number that JSON can say, or None for what is not known"
CELL = "should be a number, text, true, false, bytes or None"
# As many as a service names.
NAMED = 100


def written(request: Mapping[str, Any]) -> bytes:
    """A request as JSON, bytes in base64, numbers of numpy as those of Python.

    Raises RefusedInput naming each NaN or infinity, which JSON does not have, and whatever is no cell. The rest of the
    contract is the service's to keep: it knows the columns.

    >>> written({"rows": [{"age": 61, "photograph": b"JPEG"}]})
    b'{"rows":[{"age":61,"photograph":"SlBFRw=="}]}'
    >>> written({"rows": [{"age": float("nan")}]})
    Traceback (most recent call last):
    fulcrum.client.errors.RefusedInput: rows.0.age: should be a number that JSON can say, or None for what is not
    known, got nan.
    """
    try:
        return json.dumps(request, allow_nan=False, separators=(",", ":"), default=_plain).encode()
    except (TypeError, ValueError) as error:
        # Looked at slowly only where something is wrong.
        refusals = list(_wrong(request, ""))[:NAMED] or [Refusal(path="body", rule="should be JSON", got=str(error))]
        raise RefusedInput.here(refusals) from None


def listed(rows: Sequence[Row]) -> list[Row]:
    """Rows as a list.

    Raises RefusedInput if they are none.
    """
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Sequence):
        raise RefusedInput.here([Refusal(path="rows", rule="should be a list of rows", got=type(rows).__name__)])
    return list(rows)


def named(columns: object) -> Mapping[str, Any]:
    """Columns by their names.

    Raises RefusedInput if they are none.
    """
    if not isinstance(columns, Mapping):
        rule = "should be a mapping of column names to lists of cells"
        raise RefusedInput.here([Refusal(path="columns", rule=rule, got=type(columns).__name__)])
    return columns


def _plain(value: Any) -> Any:
    """A value that the standard library can not write, as one that it can.

    Raises TypeError if there is none.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    if callable(told := getattr(value, "tolist", None)):
        return told()
    raise TypeError(type(value).__name__)


def _wrong(value: Any, path: str) -> Iterator[Refusal]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _wrong(part, f"{path}.{name}" if path else f"{name}")
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            yield from _wrong(part, f"{path}.{place}")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield Refusal(path=path, rule=NUMBER, got=f"{value:g}")
    elif value is not None and not isinstance(value, str | int):
        try:
            plain = _plain(value)
        except TypeError:
            yield Refusal(path=path, rule=CELL, got=type(value).__name__)
        else:
            yield from _wrong(plain, path)
