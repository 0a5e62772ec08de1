"""One line of a chain: canonical JSON, sealed by a hash that also covers the seal of the line before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple, Self

import msgspec
from pydantic import JsonValue

from serving.change import canonical

# What stands in a line behind everything that its hash covers: `,"hash":"<64 digits>"}`.
TAIL = b',"hash":"%b"}'
TAIL_BYTES = len(TAIL % (b"0" * 64))


class Entry(NamedTuple):
    """A line before it has a place in a chain: its JSON as far as `number`, and what follows `previous`."""

    before: bytes
    after: bytes

    @classmethod
    def of(cls, fields: Mapping[str, JsonValue]) -> Self:
        """The entry with these fields.

        >>> Entry.of({"file": "a", "process": 1})
        Entry(before=b'{"file":"a",', after=b',"process":1}')
        """
        before, after = (
            canonical({name: value for name, value in fields.items() if (name < "number") is early})
            for early in (True, False)
        )
        return cls(f"{before[:-1]}{',' * (before != '{}')}".encode(), f"{',' * (after != '{}')}{after[1:]}".encode())

    def linked(self, number: int, previous: str) -> tuple[bytes, str]:
        """The line at a place of a chain, and its hash: SHA-256 over the canonical JSON of all other fields."""
        text = b"".join((self.before, b'"number":%d,"previous":"' % number, previous.encode(), b'"', self.after))
        seal = hashlib.sha256(text).hexdigest()
        return b"".join((text[:-1], b',"hash":"', seal.encode(), b'"}\n')), seal


class Used(msgspec.Struct):
    """Which live point a decision was made at."""

    bundle: str
    model: str
    version: int | None


class Link(msgspec.Struct):
    """What a reader of a chain looks at in a line; of other fields only the seal is checked."""

    hash: str
    number: int
    previous: str
    event: str | None = None
    file: str | None = None
    id: str | None = None
    last: int | None = None
    last_hash: str | None = None
    models: list[Used] = []


class Head(msgspec.Struct):
    """How far a chain is known to reach: number and hash of its newest line."""

    number: int
    hash: str

    def text(self) -> bytes:
        """As it is written, always of one length, so that one write replaces the other."""
        return b'{"hash":"%b","number":%-20d}\n' % (self.hash.encode(), self.number)

    @classmethod
    def read(cls, text: bytes) -> Head:
        """What `text` wrote.

        Raises ValueError if it is anything else.
        """
        head = DECODE_HEAD(text)
        if head.text() != text:
            raise ValueError("another spelling")
        return head


DECODE = msgspec.json.Decoder(Link).decode
DECODE_HEAD = msgspec.json.Decoder(Head).decode


def read_line(line: bytes) -> Link:
    """What stands in a line that ends with a line feed, be its hash right or not.

    Raises ValueError if it is not a line of a chain.
    """
    link = DECODE(line)
    if not line.endswith(b"%b\n" % (TAIL % link.hash.encode())):
        raise ValueError("the hash is not its last field")
    return link


def seal_of(line: bytes) -> str:
    """The hash that a line should have."""
    return hashlib.sha256(line[: -TAIL_BYTES - 1] + b"}").hexdigest()
