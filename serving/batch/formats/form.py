"""What every kind of table file can do: be read a piece at a time, be cut into shards, be written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar, Self

import pyarrow as pa

from models.errors import BadInput, Refusal
from serving.batch.place import Place
from serving.batch.records import Block
from serving.chunk import Chunk

# Measured on 2 cores: each chunk costs some 3 ms of its own, which 16,384 rows make up for in little memory.
ROWS_PER_ITEM = 16_384
# However wide a row is: what is read at a time, unpacked, and what is written at a time.
BYTES_PER_ITEM = 16 << 20


@dataclass(frozen=True)
class Span:
    """A part of a file in the file's own terms: row groups, batches, or bytes; without `stop` to the end.

    `first_row` is the number of its first row in the file, None if that is not known without reading what is before;
    `first_line` the line of text on which it begins.
    """

    start: int = 0
    stop: int | None = None
    first_row: int | None = 0
    first_line: int = 1


WHOLE = Span()


@dataclass(frozen=True)
class Item:
    """What one worker takes of a file at a time: `weight` bytes of it, whose rows are made when they are asked for.

    `block` is the text of them where they come as text.
    """

    weight: int
    chunks: Callable[[], Iterable[Chunk]]
    block: Block | None = None

    @classmethod
    def of(cls, weight: int, chunk: Chunk) -> Self:
        """One chunk that is there already."""
        return cls(weight, lambda: (chunk,))


class Reader(ABC):
    """An opened file: `schema` is its columns."""

    schema: pa.Schema

    @abstractmethod
    def __init__(self, place: Place, *, named: Sequence[str] = ()) -> None:
        """Open it; texts in the columns `named` are names of a few things.

        Raises BadInput if it can not be read.
        """

    @abstractmethod
    def items(self, span: Span, *, columns: Sequence[str] | None, rows: int | None) -> Iterator[Item]:
        """The rows of a span in order, of these columns at least; to be asked for once.

        With `rows` no chunk holds more of them. The rows of an item are numbered from 0.

        Raises BadInput if the file turns out to be damaged, here or when an item's rows are asked for.
        """

    @abstractmethod
    def spans(self, rows: int, size: int) -> Iterator[Span]:
        """The file cut into parts of about so many rows or bytes, always at the same places; to be asked for once."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""


class Writer(ABC):
    """A file that is being written, of rows of one schema."""

    @classmethod
    @abstractmethod
    def check(cls, schema: pa.Schema) -> None:
        """Raises BadInput if such a file can not hold a column."""

    @abstractmethod
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None: ...

    @staticmethod
    @abstractmethod
    def prepared(rows: pa.Table) -> Any:
        """Rows as `write` takes them: whatever can be done by many at once."""

    @abstractmethod
    def write(self, prepared: Any) -> None:
        """Write some more rows, or hold them back."""

    @abstractmethod
    def close(self) -> None:
        """Write what is still held back; the file itself stays open."""


class Format(ABC):
    """A kind of file: by which endings it is known, what reads and what writes it."""

    endings: ClassVar[tuple[str, ...]]
    reader: ClassVar[type[Reader]]
    writer: ClassVar[type[Writer]]


def unreadable(place: Place, kind: str, error: Exception) -> BadInput:
    """That a file is no file of its kind."""
    said = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
    return BadInput([Refusal(place.address, f"should be {kind} that can be read", said)])


def is_text(kind: pa.DataType) -> bool:
    """Whether a column holds text."""
    kinds = pa.types
    return any(fits(kind) for fits in (kinds.is_string, kinds.is_large_string, kinds.is_string_view))
