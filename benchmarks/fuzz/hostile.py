"""Rows that break the contract of a schema, and at which column each does.

A good row is spoilt at one to three cells, in one of many ways: out of range by an ulp or by much, of another type, a
category in another case, empty where it must not be, a name left out, misspelt or added. Every spoilt row is bad for sure,
whatever the schema allows elsewhere.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from models.generate import generate
from models.rows import decode_rows
from models.schema import Categorical, Column, Numeric, Schema

# As JSON has them; the last two are no JSON, but some libraries write them and others read them.
HUGE: tuple[float, ...] = (10**400, -(10**400), 1e308, -1e308, 2**63, float("inf"), float("-inf"))
DEEP = 50
POOL = 2_000


class Bad(NamedTuple):
    """A row, and the names of the columns at which it breaks the contract, `""` the row itself."""

    row: Any
    at: frozenset[str]


def hostile(schema: Schema, seed: int) -> Callable[[], Bad]:
    """Something that gives another bad row each time it is called."""
    chance = random.Random(seed)
    pool = decode_rows(schema, generate(schema, POOL, seed))

    def another() -> Bad:
        if chance.random() < 0.02:
            return Bad(chance.choice([None, [], "row", 7, True, [[]], [{}]]), frozenset({""}))
        row = dict(chance.choice(pool))
        at = set()
        for column in chance.sample(schema.columns, chance.choice([1, 1, 1, 2, 3])):
            at.add(_spoil(row, column, chance))
        return Bad(row, frozenset(at))

    return another


def _spoil(row: dict[str, Any], column: Column, chance: random.Random) -> str:
    """Break one column of a row, and say under which name it is to be told."""
    name = column.name
    if chance.random() < 0.1:
        other = chance.choice([f"{name} ", name.upper() + "X", f"{name}_", "__class__", "", "row", "\u0000", "é" * 20])
        row[other] = chance.choice([1, None, "a"])
        return other
    if chance.random() < 0.1:
        del row[name]
        return name
    row[name] = chance.choice(_cells(column, chance))
    return name


def _cells(column: Column, chance: random.Random) -> list[Any]:
    """What must not stand in a cell of this column."""
    cells: list[Any] = [[], {}, [1], {"value": 1}, _deep(), float("nan"), *HUGE, "", " ", "\u0000", "null", "x" * 5000]
    if column.missing != "impute":
        cells += [None] * 3
    if isinstance(column, Categorical):
        kind = chance.choice(column.categories)
        wrong = [f"{kind} ", f" {kind}", kind.swapcase(), f"{kind}{kind}", f"{kind}\u200b", kind[:-1]]
        return [*cells, *(each for each in wrong if each not in column.categories), 0, 1, True, 0.5]
    cells += ["61", "1.0", "0x10", "1e5", "NaN", "yes"]
    if isinstance(column, Numeric):
        low, high = column.low, column.high
        beyond = [math.nextafter(high, math.inf), math.nextafter(low, -math.inf), high + 1, low - 1, high * 1e6 + 1e6]
        return [*cells, *beyond, True, False]
    return [*cells, 2, -1, 0.5, 1.0000001]


def _deep() -> Any:
    found: Any = 1
    for _ in range(DEEP):
        found = [found]
    return found


def hostile_text(schema: Schema, rows: int, seed: int) -> list[list[str]]:
    """So many rows of a file, as text, every one bad; a cell that may be empty is left so now and then."""
    chance = random.Random(seed)
    pool = decode_rows(schema, generate(schema, POOL, seed))
    found = []
    for _ in range(rows):
        row = {name: "" if cell is None else str(cell) for name, cell in chance.choice(pool).items()}
        for column in chance.sample(schema.columns, chance.choice([1, 1, 1, 2, 3])):
            row[column.name] = chance.choice(_texts(column))
        found.append(list(row.values()))
    return found


def _texts(column: Column) -> list[str]:
    """What must not stand in a cell of this column of a text file."""
    texts = ["?", "1e400", "-inf", "infinity", "0x1F", "1 2", "\u0000", "\u200b", "[]", "{}", "=1+1", "x" * 300]
    if column.missing != "impute":
        texts += ["", " "]
    if isinstance(column, Categorical):
        kind = column.categories[0]
        return [*texts, "0", kind * 2, kind[:-1] or "-", f"{kind}\u200b"]
    if isinstance(column, Numeric):
        return [*texts, str(column.high + 1), str(column.low - 1), str(column.high * 1e6 + 1e6), "true", "one"]
    return [*texts, "2", "-1", "0.5", "maybe"]
