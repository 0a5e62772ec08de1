"""The doors through which rows come over HTTP, and what each must say of bad ones."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmarks.fuzz.hostile import Bad, hostile, hostile_text
from benchmarks.load import Reply
from models.generate import generate
from models.rows import decode_rows
from models.schema import Schema
from serving.refusals import SHOWN
from serving.tables import ARROW, PARQUET

REFUSED = {400, 413, 415, 422}
SMALL, LARGE = 20, 2000
# What only an answer holds.
ANSWERED = (b'"decision"', b'"probability"', b'"answer"')


@dataclass(frozen=True)
class Door:
    """An address that takes rows, with headers beside; `by_column` where it takes lists."""

    path: str
    headers: dict[str, str]
    by_column: bool = False


DOORS = (
    Door("/screen", {}),
    # A browser of another origin is answered by BentoML's own stack.
    Door("/screen", {"origin": "http://elsewhere.example"}),
    Door("/presurgical", {}),
    Door("/pathway", {}),
    Door("/screen/columns", {}, by_column=True),
    Door("/presurgical/columns", {"origin": "http://elsewhere.example"}, by_column=True),
)


@dataclass(frozen=True)
class Sent:
    """A request whose rows are all bad, and at which columns each is."""

    door: Door
    body: bytes
    rows: list[Bad]


def requests(schema: Schema, seed: int) -> Iterator[Sent]:
    """Requests without end, through each door in turn; most rows come in large ones."""
    chance, another = random.Random(seed), hostile(schema, seed)
    while True:
        for door in DOORS:
            count = chance.randint(1, SMALL) if chance.random() < 0.5 else chance.randint(SMALL, LARGE)
            yield (_columns if door.by_column else _rows)(door, schema, another, count)


def _rows(door: Door, schema: Schema, another: Callable[[], Bad], count: int) -> Sent:
    del schema
    rows = [another() for _ in range(count)]
    return Sent(door, json.dumps({"rows": [bad.row for bad in rows]}).encode(), rows)


def _columns(door: Door, schema: Schema, another: Callable[[], Bad], count: int) -> Sent:
    """Rows that have every column and no other, for a column is there for all or for nobody."""
    rows: list[Bad] = []
    while len(rows) < count:
        bad = another()
        if isinstance(bad.row, dict) and set(bad.row) == set(schema.names):
            rows.append(bad)
    columns = {name: [bad.row[name] for bad in rows] for name in schema.names}
    return Sent(door, json.dumps({"columns": columns}).encode(), rows)


def wrong(sent: Sent, reply: Reply) -> str | None:
    """What is wrong with the reply to a request of which every row is bad; None if it is as it must be."""
    if reply.status not in REFUSED:
        return f"status {reply.status}"
    if any(word in reply.body for word in ANSWERED):
        return "an answer in a refusal"
    said = json.loads(reply.body)
    named = said["refusals"]
    if not said["error"] or not named or not all(each["path"] and each["rule"] for each in named):
        return "a refusal without a path or a rule"
    return _misplaced(sent, [each["path"] for each in named])


def _misplaced(sent: Sent, paths: list[str]) -> str | None:
    """What is wrong with the places that are named."""
    found, there = {_place(sent.door, path) for path in paths}, set(range(len(sent.rows)))
    if not found <= there:
        return f"paths that name no row: {[path for path in paths if _place(sent.door, path) not in there][:3]}"
    if len(paths) < SHOWN and found != there:
        return f"bad rows that are not named: {[sent.rows[place] for place in sorted(there - found)[:2]]}"
    return None


def _place(door: Door, path: str) -> int | None:
    """The row that a path names: `rows.3.age`, or `columns.age.3`."""
    parts = path.split(".")
    place = parts[-1] if door.by_column else parts[1] if len(parts) > 1 else ""
    return int(place) if place.isdecimal() else None


def frames(schema: Schema, seed: int) -> Iterator[tuple[Door, dict[str, str], bytes]]:
    """Bodies that are no request at all, without end: cut off, flipped, doubled, deep, of another kind."""
    chance, another = random.Random(seed), hostile(schema, seed)
    while True:
        for door in DOORS:
            good = json.dumps({"rows": [another().row for _ in range(3)]}).encode()
            yield door, door.headers, _broken(good, chance)
            wrong_type = chance.choice(["text/plain", "application/xml", "image/png", "application/x-pickle", "json"])
            yield door, {**door.headers, "content-type": wrong_type}, good


def tables(schema: Schema, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Tables without end, as address, content type and bytes: bad rows, and damaged bytes of good ones."""
    chance = random.Random(seed)
    while True:
        for kind in (ARROW, PARQUET):
            texts = hostile_text(schema, chance.randint(1, SMALL), chance.randrange(2**31))
            bad = pl.DataFrame(texts, schema=list(schema.names), orient="row")
            yield "/screen/table", kind, _table(bad, kind)
            good = _table(pl.DataFrame(decode_rows(schema, generate(schema, 5, chance.randrange(2**31)))), kind)
            yield "/presurgical/table", kind, _damaged(good, chance)


def _table(frame: pl.DataFrame, kind: str) -> bytes:
    sink = io.BytesIO()
    if kind == ARROW:
        frame.write_ipc_stream(sink)
    else:
        frame.write_parquet(sink)
    return sink.getvalue()


def _damaged(good: bytes, chance: random.Random) -> bytes:
    """A table cut off within its first half, or with bytes of other data in place of its first or last ones.

    Of the first bytes at least nine are lost: without the first four an Arrow stream is a whole one of an older kind.
    """
    place = chance.randrange(len(good) // 2)
    ways = [good[:place], chance.randbytes(64) + good[64:], good[:-16] + chance.randbytes(16), good[place + 9 :], b""]
    return chance.choice(ways)


def _broken(good: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(good))
    ways: list[Callable[[], bytes]] = [
        lambda: good[:place],
        lambda: good[:place] + bytes([good[place] ^ 1 << chance.randrange(7)]) + good[place + 1 :],
        lambda: good + good,
        lambda: b"",
        lambda: chance.randbytes(200),
        lambda: b"\xff\xfe" + good.decode().encode("utf-16-le"),
        lambda: b"[" * chance.choice([100, 100_000]),
        lambda: b'{"rows":' * 1000 + b"1" + b"}" * 1000,
        lambda: b'{"rows": [], "rows": []}',
        lambda: b'{"rows": %s}' % (b"1" * 100_000),
        lambda: json.dumps({"rows": [], "operating_point": _any(chance), "prevalence": _any(chance)}).encode(),
    ]
    return chance.choice(ways)()


def _any(chance: random.Random) -> Any:
    return chance.choice([None, -1, 2, float("nan"), "", "recall >= 2", "x" * 1000, [], {}, [[]], True, 10**400])
