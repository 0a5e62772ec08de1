"""CSV as bytes -> blocks of whole records, whose quotes are shown to be in order.

A quote left open would swallow the people after it into one cell without a word. So every quote is checked, a
block at a time: it opens where a cell begins and closes where it ends, or is doubled inside (RFC 4180). Blocks
are cut at the ends of records only, so each can be checked and parsed on its own; a quote out of order may shift the
cuts after it, but its own block is refused before any later one is looked at.
"""

from __future__ import annotations

import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInput, Refusal

BLOCK_BYTES = 2 << 20
LONGEST_RECORD = 16 << 20
LINE_FEED, CARRIAGE_RETURN, QUOTE, COMMA = b'\n\r",'


@dataclass(frozen=True)
class Block:
    """Some whole records; they begin in the file at the byte `start` and on `line`, counted from 1."""

    line: int
    data: bytes
    start: int = 0

    @property
    def blank(self) -> bool:
        """Whether there is nothing but line ends."""
        return not self.data.strip(b"\r\n")

    def line_at(self, place: int) -> int:
        """The line of the file on which the byte at `place` lies."""
        return self.line + self.data.count(b"\n", 0, place)


def whole_records(
    file: BinaryIO,
    name: str,
    *,
    block_bytes: int = BLOCK_BYTES,
    start: int = 0,
    line: int = 1,
    stop: int | None = None,
) -> Iterator[Block]:
    """Blocks of about `block_bytes`, without the byte order mark a file may begin with.

    The file stands at `start`, which is the beginning of a record and of that line, and is read up to `stop`. Only
    line ends outside quotes end a record; whether quotes are in order is for `checked` to say.

    Raises BadInput naming the line if a record is longer than 16 MiB, or if the file can not be read.
    """
    rest, place = b"", start
    if not start:
        rest = _read(file, name, len(BOM_UTF8))
        place = len(rest)
        if rest == BOM_UTF8:
            rest = b""
    begins = place - len(rest)
    while more := _read(file, name, block_bytes if stop is None else min(block_bytes, stop - place)):
        place += len(more)
        whole, rest = _parted(rest, more)
        if whole:
            yield Block(line, whole, begins)
            line, begins = line + line_feeds(whole), begins + len(whole)
        if len(rest) > LONGEST_RECORD:
            checked(Block(line, rest), name)
            raise BadInput([Refusal(f"{name}, line {line}", "should be a row of 16 MiB at most", "a longer one")])
    if rest:
        yield Block(line, rest, begins)


def line_feeds(data: bytes) -> int:
    """How many there are: in a third of the time of `bytes.count`, while others may work."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == LINE_FEED))


def split_header(block: Block) -> tuple[Block, Block]:
    """The first record that is no blank line, and what follows it."""
    start = len(block.data) - len(block.data.lstrip(b"\r\n"))
    ends = _record_ends(block.data[start:])
    cut = start + int(ends[0]) + 1 if len(ends) else len(block.data)
    header = Block(block.line_at(start), block.data[start:cut], block.start + start)
    return header, Block(block.line_at(cut), block.data[cut:], block.start + cut)


def _read(file: BinaryIO, name: str, size: int) -> bytes:
    try:
        return file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput([Refusal(name, "should be readable to its end", str(error))]) from None


def _parted(rest: bytes, more: bytes) -> tuple[bytes, bytes]:
    """Whole records of what was left before and what comes now, and what is left of the last one."""
    if b'"' in more or b'"' in rest:
        data = rest + more
        end = _last_end(data)
        return data[:end], data[end:]
    # As almost always; all but a few bytes are moved once.
    end = more.rfind(b"\n") + 1
    return (b"".join((rest, memoryview(more)[:end])), more[end:]) if end else (b"", rest + more)


def _last_end(data: bytes) -> int:
    """How many bytes whole records take; 0 if there is none."""
    end = data.rfind(b"\n") + 1
    if data.count(b'"', 0, end) % 2 == 0:
        return end
    # A cell goes on beyond the last line. It may be long, so its lines are not walked back one by one.
    ends = _record_ends(data)
    return int(ends[-1]) + 1 if len(ends) else 0


def _record_ends(data: bytes) -> NDArray[np.intp]:
    """Where line ends outside quotes lie: those with an even number of quotes before them."""
    octets = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(octets == LINE_FEED)
    quotes = np.flatnonzero(octets == QUOTE)
    outside: NDArray[np.intp] = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return outside


def checked(block: Block, name: str) -> Block:
    """The same block, if its quotes are in order.

    Raises BadInput naming the line of the first that is not.
    """
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
    """Where the first cell with a quote out of order has its opening quote; None if all are in order."""
    if b'"' not in data:
        return None
    octets = np.frombuffer(b"\n%b\n" % data, dtype=np.uint8)
    quotes = np.flatnonzero(octets == QUOTE)
    # Taken in turn, quotes open and close. A doubled one closes and opens again on the spot.
    turn = np.arange(len(quotes))
    beyond = np.where(turn % 2 == 0, quotes - 1, quotes + 1)
    stray = ~np.isin(octets[beyond], (LINE_FEED, CARRIAGE_RETURN, QUOTE, COMMA))
    if len(quotes) % 2:
        stray[-1] = True  # It opens, and nothing closes.
    first = turn[stray][:1]
    return int(quotes[first - first % 2][0]) - 1 if len(first) else None
