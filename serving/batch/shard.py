"""The work of a job, cut into shards: the same files give the same shards under the same names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

from pydantic import Field

from models.value import Value
from serving.batch.formats.form import Span

SHARD_ROWS = 1 << 20
SHARD_BYTES = 256 << 20


class Piece(Value):
    """A part of one of the files of a job, `source` its place among them; see `Span`."""

    source: int = Field(ge=0)
    start: int = Field(0, ge=0)
    stop: int | None = None
    first_row: int | None = 0
    first_line: int = 1

    @classmethod
    def of(cls, source: int, span: Span) -> Self:
        """A part of the file at that place."""
        return cls(source=source, **asdict(span))

    @property
    def span(self) -> Span:
        """The part in the file's own terms."""
        return Span(self.start, self.stop, self.first_row, self.first_line)


class Shard(Value):
    """What becomes one file of the result."""

    number: int = Field(ge=0)
    pieces: tuple[Piece, ...] = Field(min_length=1)
