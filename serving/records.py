"""CSV as bytes -> blocks of whole records, whose quotes are shown to be in order.

A quote left open would swallow the people after it into one cell without a word. So every quote is checked, a
block at a time: it opens where a cell begins and closes where it ends, or is doubled inside (RFC 4180). Blocks
are cut at line ends only, so each can be parsed on its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInput, Refusal

BLOCK_BYTES = 1 << 20
LONGEST_RECORD = 16 << 20
LINE_FEED, CARRIAGE_RETURN, QUOTE, COMMA = b'\n\r",'


@dataclass(frozen=True)
class Block:
    """Some whole records; `line` is where they begin in the file, counted from 1."""

    line: int
    data: bytes

    @property
    def blank(self) -> bool:
        """Whether there is nothing but line ends."""
        return not self.data.strip(b"\r\n")

    def line_at(self, place: int) -> int:
        """The line of the file on which the byte at `place` lies."""
        return self.line + self.data.count(b"\n", 0, place)


def whole_records(file: BinaryIO, name: str, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """The header alone, then blocks of about `block_bytes`, as long as there are any.

    Raises BadInput naming the line if a quote is out of order, if a record is longer than 16 MiB, or if the
    file can not be read.
    """
    rest, line, head = b"", 1, True
    while more := _read(file, name, block_bytes):
        rest += more
        ends = _record_ends(rest)
        if head and len(ends):
            header, rest = Block(line, rest[: ends[0] + 1]), rest[ends[0] + 1 :]
            yield _checked(header, name)
            # Blank lines may stand before the header: they are no header yet.
            line, head, ends = header.line_at(len(header.data)), header.blank, ends[1:] - len(header.data)
        if not head and len(ends):
            block, rest = Block(line, rest[: ends[-1] + 1]), rest[ends[-1] + 1 :]
            yield _checked(block, name)
            line = block.line_at(len(block.data))
        if len(rest) > LONGEST_RECORD:
            _checked(Block(line, rest), name)
            raise BadInput([Refusal(f"{name}, line {line}", "should be a row of 16 MiB at most", "a longer one")])
    if rest:
        yield _checked(Block(line, rest), name)


def _read(file: BinaryIO, name: str, size: int) -> bytes:
    try:
        return file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput([Refusal(name, "should be readable to its end", str(error))]) from None


def _record_ends(data: bytes) -> NDArray[np.int64]:
    """Where line ends outside quotes lie: those with an even number of quotes before them."""
    octets = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(octets == LINE_FEED)
    quotes = np.flatnonzero(octets == QUOTE)
    return ends[np.searchsorted(quotes, ends) % 2 == 0]


def _checked(block: Block, name: str) -> Block:
    place = _stray_quote(block.data)
    if place is not None:
        raise BadInput(
            [
                Refusal(
                    f"{name}, line {block.line_at(place)}",
                    "should have quotes around whole cells only, doubled inside",
                    "a quote elsewhere, or one left open",
                )
            ]
        )
    return block


def _stray_quote(data: bytes) -> int | None:
    """Where the first quote lies that neither opens nor closes a cell, nor is doubled; None if there is none."""
    octets = np.frombuffer(b"\n%b\n" % data, dtype=np.uint8)
    quotes = np.flatnonzero(octets == QUOTE)
    # Taken in turn, quotes open and close. A doubled one closes and opens again on the spot.
    beyond = np.where(np.arange(len(quotes)) % 2 == 0, quotes - 1, quotes + 1)
    stray = quotes[~np.isin(octets[beyond], (LINE_FEED, CARRIAGE_RETURN, QUOTE, COMMA))]
    left_open = quotes[-1:] if len(quotes) % 2 else quotes[:0]
    found = np.concatenate([stray, left_open])
    return int(found.min()) - 1 if len(found) else None
