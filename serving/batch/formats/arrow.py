from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.ipc

from serving.batch.formats.form import ROWS_PER_ITEM, Format, Item, Reader, Span, unreadable
from serving.batch.formats.grouped import Grouped
from serving.batch.place import Place
from serving.chunk import Chunk

KIND = "an Arrow file"


class ArrowReader(Reader):
    """An Arrow IPC file (Feather 2), read a batch of its own at a time, which is held whole."""

    def __init__(self, place: Place, *, named: Sequence[str] = ()) -> None:
        del named  # They are stored as they are.
        self._place = place
        self._source = pa.OSFile(str(place.local)) if place.local is not None and place.size() else place.open()
        self._size = place.size()
        try:
            self._file = pa.ipc.open_file(self._source)
            self.schema: pa.Schema = self._file.schema
        except (OSError, pa.ArrowException) as error:
            self._source.close()
            raise unreadable(place, KIND, error) from None

    def items(self, span: Span, *, columns: Sequence[str] | None, rows: int | None) -> Iterator[Item]:
        stop = self._file.num_record_batches if span.stop is None else span.stop
        weight = self._size // max(self._file.num_record_batches, 1)
        try:
            for place in range(span.start, stop):
                table = pa.Table.from_batches([self._file.get_batch(place)])
                table.validate(full=True)
                table = table if columns is None else table.select(list(columns))
                for start in range(0, table.num_rows, rows or ROWS_PER_ITEM):
                    part = table.slice(start, rows or ROWS_PER_ITEM)
                    yield Item.of(weight * part.num_rows // table.num_rows, Chunk(0, part))
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self._place, KIND, error) from None

    def spans(self, rows: int, size: int) -> Iterator[Span]:
        start, first_row, many, large = 0, 0, 0, 0
        for place in range(self._file.num_record_batches):
            batch = self._file.get_batch(place)
            if place > start and (many + batch.num_rows > rows or large + batch.nbytes > size):
                yield Span(start, place, first_row)
                start, first_row, many, large = place, first_row + many, 0, 0
            many, large = many + batch.num_rows, large + batch.nbytes
        yield Span(start, self._file.num_record_batches, first_row)

    def close(self) -> None:
        self._source.close()


class ArrowWriter(Grouped):
    """An Arrow IPC file in batches of 131,072 rows or 64 MiB."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        super().__init__(file, schema)
        self._file = pa.ipc.new_file(file, schema, options=pa.ipc.IpcWriteOptions(unify_dictionaries=True))


class Arrow(Format):
    """Arrow IPC files, by which is meant Feather 2 too."""

    endings = (".arrow", ".feather")
    reader = ArrowReader
    writer = ArrowWriter
