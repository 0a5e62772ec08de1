"""An item of a file -> what is written of it: the one step that is repeated over all files, by many at once.

It depends on nothing but the item, so it may be taken in any order, thread or process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from models.errors import Refusal
from serving.batch.formats.comma import CsvReader, CsvWriter
from serving.batch.formats.form import Item, Reader, Writer
from serving.batch.judge import Judge
from serving.batch.lines import scored_lines
from serving.chunk import Chunk, encode_chunk, kept
from serving.counts import Tally


@dataclass(frozen=True)
class Written:
    """What becomes of an item: rows as the writer takes them, why others were refused, and how many.

    Refused rows are numbered from the first of the item, 0.
    """

    prepared: tuple[Any, ...]
    refused: tuple[Refusal, ...]
    tally: Tally
    weight: int


@dataclass(frozen=True)
class Step:
    """How items become rows of the result: whose columns are `schema`, the first of them `carried` along."""

    judge: Judge
    writer: type[Writer]
    schema: pa.Schema
    carried: tuple[str, ...]
    all_carried: bool

    def take(self, reader: Reader, item: Item, folder: Path | None) -> Written:
        """Score an item; paths of photographs are read from `folder` on.

        Raises BadInput if the file turns out to be damaged here.
        """
        if item.block is not None and isinstance(reader, CsvReader) and issubclass(self.writer, CsvWriter):
            found = scored_lines(self.judge, reader, item.block, None if self.all_carried else self.carried)
            if found is not None:
                return Written((found.text,), (), found.tally, item.weight)
        tally, prepared, refused = self.judge.refusing(0), [], list[Refusal]()
        for chunk in item.chunks():
            rows, bad, counts = self._scored(chunk, folder)
            prepared.append(self.writer.prepared(rows))
            refused += bad
            tally += counts
        return Written(tuple(prepared), tuple(refused), tally, item.weight)

    def _scored(self, chunk: Chunk, folder: Path | None) -> tuple[pa.Table, Sequence[Refusal], Tally]:
        encoded = encode_chunk(self.judge.columns, chunk, folder=folder)
        judged = self.judge.judge(encoded.accepted)
        rows = kept(chunk.rows.select(self.carried), encoded.good)
        columns = [*rows.columns, *judged.columns.values(), self.judge.points(rows.num_rows)]
        # Names that come again and again were read as such, and become plain text again.
        given = zip(self.schema, columns, strict=True)
        table = pa.Table.from_arrays([_as(field.type, cells) for field, cells in given], schema=self.schema)
        bad = len(chunk.refused) + int((~encoded.good).sum())
        return table, (*chunk.refused, *encoded.refused), judged.tally + self.judge.refusing(bad)


def _as(kind: pa.DataType, cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return cells if cells.type == kind else cells.cast(kind)
