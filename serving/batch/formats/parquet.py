from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet

from serving.batch.formats.form import (
    BYTES_PER_ITEM,
    ROWS_PER_ITEM,
    Format,
    Item,
    Reader,
    Span,
    is_text,
    unreadable,
)
from serving.batch.formats.grouped import Grouped
from serving.batch.place import Place
from serving.chunk import Chunk

READ_BUFFER_BYTES = 1 << 20
# Of a row group that is opened 30 kB stay until the last one that was opened with it is read: about as many as a shard.
ROWS_OPENED = 1 << 20
KIND = "a Parquet file"


class ParquetReader(Reader):
    """A Parquet file, read a row group and within it some thousand rows at a time."""

    def __init__(self, place: Place, *, named: Sequence[str] = ()) -> None:
        self._place = place
        source = str(place.local) if place.local is not None else place.open()
        try:
            about = pyarrow.parquet.ParquetFile(source)
            self.schema: pa.Schema = about.schema_arrow
            self._about = about.metadata
            # Reading ahead would hold whole row groups: a gigabyte on a file with a million rows in each. A few names
            # that come again and again are read as such, at two thirds of the time.
            self._file = pyarrow.parquet.ParquetFile(
                source,
                metadata=self._about,
                read_dictionary=[name for name in named if self._is_plain_text(name)],
                pre_buffer=False,
                buffer_size=READ_BUFFER_BYTES,
            )
        except (OSError, pa.ArrowException) as error:
            raise unreadable(place, KIND, error) from None

    def _is_plain_text(self, name: str) -> bool:
        """Whether a column may be read as names: views of text could not become such again (Arrow 26)."""
        return name in self.schema.names and not pa.types.is_string_view(self.schema.field(name).type)

    def items(self, span: Span, *, columns: Sequence[str] | None, rows: int | None) -> Iterator[Item]:
        about, stop = self._about, self._about.num_row_groups if span.stop is None else span.stop
        groups = list(range(span.start, stop))
        many = sum(about.row_group(place).num_rows for place in groups)
        size = sum(about.row_group(place).total_byte_size for place in groups)
        packed = sum(_packed(about.row_group(place)) for place in groups)
        most = max(1, min(rows or ROWS_PER_ITEM, BYTES_PER_ITEM * many // max(size, 1)))
        try:
            for some in self._opened(groups):
                for batch in self._file.iter_batches(most, row_groups=some, columns=columns, use_threads=False):
                    chunk = Chunk(0, pa.Table.from_batches([batch]))
                    yield Item.of(packed * batch.num_rows // max(many, 1), chunk)
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self._place, KIND, error) from None

    def _opened(self, groups: Sequence[int]) -> Iterator[list[int]]:
        """Row groups one after the other, as many as are opened at a time."""
        some, many = list[int](), 0
        for place in groups:
            some.append(place)
            many += self._about.row_group(place).num_rows
            if many >= ROWS_OPENED:
                yield some
                some, many = [], 0
        if some:
            yield some

    def spans(self, rows: int, size: int) -> Iterator[Span]:
        start, first_row, many, large = 0, 0, 0, 0
        for place in range(self._about.num_row_groups):
            group = self._about.row_group(place)
            if place > start and (many + group.num_rows > rows or large + _packed(group) > size):
                yield Span(start, place, first_row)
                start, first_row, many, large = place, first_row + many, 0, 0
            many, large = many + group.num_rows, large + _packed(group)
        yield Span(start, self._about.num_row_groups, first_row)

    def close(self) -> None:
        self._file.close()


class ParquetWriter(Grouped):
    """Parquet in row groups of 131,072 rows or 64 MiB."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        super().__init__(file, schema)
        # Numbers hardly repeat: dictionaries of them cost 7 times the time and half as much space again.
        names = [field.name for field in schema if is_text(field.type) or pa.types.is_dictionary(field.type)]
        self._file = pyarrow.parquet.ParquetWriter(file, schema, use_dictionary=names)


class Parquet(Format):
    """Apache Parquet."""

    endings = (".parquet",)
    reader = ParquetReader
    writer = ParquetWriter


def _packed(group: Any) -> int:
    """Bytes of a row group in the file."""
    return sum(group.column(place).total_compressed_size for place in range(group.num_columns))
