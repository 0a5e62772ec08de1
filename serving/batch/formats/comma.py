from __future__ import annotations

import csv
import gzip
import io
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO, cast

import polars as pl
import pyarrow as pa
import pyarrow.csv

from models.errors import BadInput, Refusal
from serving.batch.formats.form import ROWS_PER_ITEM, WHOLE, Format, Item, Reader, Span, Writer, is_text
from serving.batch.place import Place
from serving.batch.records import BLOCK_BYTES, LONGEST_RECORD, Block, checked, split_header, whole_records
from serving.chunk import Chunk

# Where no more than some rows may be taken at a time, about as much text as they are.
SHORT_ROW_BYTES = 64


class CsvReader(Reader):
    """A CSV file in UTF-8, with a header, commas, and quotes as in RFC 4180; also one packed by gzip.

    Every cell is text, exactly as it stands: `007` stays `007`. An empty cell is null, a quoted empty one is an
    empty text. Blank lines are no rows, unless there is but one column.
    """

    def __init__(self, place: Place, *, named: Sequence[str] = ()) -> None:
        del named  # All is text.
        self._name = place.address
        self._packed = place.name.lower().endswith(".gz")
        self._under = place.open()
        self._file = cast(BinaryIO, gzip.GzipFile(fileobj=self._under)) if self._packed else self._under
        self._size = place.size()
        try:
            self._begin()
        except BadInput:
            self.close()
            raise

    def items(self, span: Span, *, columns: Sequence[str] | None, rows: int | None) -> Iterator[Item]:
        """Blocks of text, which are made rows by whoever asks for them.

        All columns are read, for a row with too few or too many cells is refused.
        """
        del columns
        size = BLOCK_BYTES if rows is None else min(BLOCK_BYTES, rows * SHORT_ROW_BYTES)
        start, line = (span.start, span.first_line) if span.start else (self._begins, self._line)
        self._file.seek(start)
        before = 0 if self._packed else start
        for block in whole_records(self._file, self._name, block_bytes=size, start=start, line=line, stop=span.stop):
            # Of a packed file what was taken of the file itself counts, which is read some way ahead.
            now = self._under.tell() if self._packed else block.start + len(block.data)
            weight, before = now - before, now
            yield Item(weight, partial(self.rows, block, rows or ROWS_PER_ITEM), block)

    def spans(self, rows: int, size: int) -> Iterator[Span]:
        del rows  # They are not known without looking at all of them.
        if self._packed or self._size <= size:
            yield WHOLE
            return
        start, first_line = 0, 1
        self._file.seek(self._begins)
        for block in whole_records(self._file, self._name, start=self._begins, line=self._line):
            if block.start - start >= size:
                yield Span(start, block.start, None if start else 0, first_line)
                start, first_line = block.start, block.line
        yield Span(start, None, None if start else 0, first_line)

    def close(self) -> None:
        self._file.close()
        self._under.close()

    def rows(self, block: Block, rows: int) -> Iterator[Chunk]:
        """The rows of a block, at most so many at a time, numbered from 0.

        Raises BadInput naming the line if it is not CSV in UTF-8.
        """
        self.check(block)
        return _chunks(*self._parsed(block), rows=rows)

    def check(self, block: Block) -> None:
        """Raises BadInput naming the line if quotes are out of order, or bytes are no text in UTF-8."""
        checked(block, self._name)
        self._check_text(block)

    def _begin(self) -> None:
        blocks = whole_records(self._file, self._name)
        first = next((block for block in blocks if not block.blank), None)
        if first is None:
            raise BadInput([Refusal(self._name, "should have a header and rows", "an empty file")])
        header, rest = split_header(checked(first, self._name))
        self.schema = pa.schema([(name, pa.string()) for name in self._names(header)])
        self._begins, self._line = rest.start, rest.line

    def _names(self, header: Block) -> list[str]:
        self._check_text(header)
        csv.field_size_limit(LONGEST_RECORD)
        # A hundred thousand names take the parser of rows seconds, for it makes a column of each.
        names, *more = csv.reader(io.StringIO(header.data.decode(), newline=""))
        if any(more):
            raise BadInput([Refusal(self._name, "should have lines that end in LF or CRLF", "CR alone")])
        return names

    def _parsed(self, block: Block) -> tuple[pa.Table, dict[int, int]]:
        """The rows of a block, all cells text; and how many cells there are in each row that has another number."""
        ragged: dict[int, int] = {}

        def refuse(row: pyarrow.csv.InvalidRow) -> str:
            ragged[row.number - 1] = row.actual_columns
            return "skip"

        names = self.schema.names
        # The parser drops a byte order mark at the start of whatever it gets: only this one, never a cell's.
        data = BOM_UTF8 + block.data
        table = pyarrow.csv.read_csv(
            pa.py_buffer(data),
            # One block of the file is one of the parser, so that rows are numbered and fit.
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            pyarrow.csv.ParseOptions(
                newlines_in_values=True, ignore_empty_lines=len(names) > 1, invalid_row_handler=refuse
            ),
            pyarrow.csv.ConvertOptions(
                column_types=self.schema,
                strings_can_be_null=True,
                null_values=[""],
                quoted_strings_can_be_null=False,
                check_utf8=False,
            ),
        )
        return table, ragged

    def _check_text(self, block: Block) -> None:
        if block.data.isascii():
            return
        try:
            block.data.decode()
        except UnicodeDecodeError as error:
            where = f"{self._name}, line {block.line_at(error.start)}"
            raise BadInput(
                [Refusal(where, "should be text in UTF-8", f"byte 0x{block.data[error.start]:02x}")]
            ) from None


def _chunks(table: pa.Table, ragged: dict[int, int], *, rows: int) -> Iterator[Chunk]:
    """Chunks of a parsed block, parted where a row was left out, so that every row keeps its number."""
    start, end, cells = 0, table.num_rows + len(ragged), table.num_columns
    refused: list[Refusal] = []
    for left_out, place in enumerate([*ragged, end]):
        for row in range(start, place, rows):
            yield Chunk(row, table.slice(row - left_out, min(rows, place - row)), tuple(refused))
            refused = []
        if place in ragged:
            refused.append(Refusal(f"rows.{place}", f"should have {cells} cells", f"{ragged[place]} cells"))
        start = place + 1
    if refused:
        yield Chunk(end, table.slice(0, 0), tuple(refused))


class CsvWriter(Writer):
    """CSV in UTF-8 with a header; null is an empty cell, an empty text a quoted one.

    A 32-bit score is written as the double of the same value, all its digits: whoever reads it back, as either,
    and compares it with the threshold gets the decision that stands beside it.
    """

    @classmethod
    def check(cls, schema: pa.Schema) -> None:
        """Raises BadInput if a column is of a type that has no plain text, such as a list."""
        rule = "should be of a type that CSV can hold (Parquet can)"
        wrong = {kind for kind in set(schema.types) if not _fits_csv(kind)}
        refused = (
            [Refusal(field.name, rule, f"a column of type {field.type}") for field in schema if field.type in wrong]
            if wrong
            else []
        )
        if refused:
            raise BadInput(refused)

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        file.write(_text(pa.Table.from_batches([], schema), header=True))

    @staticmethod
    def prepared(rows: pa.Table) -> bytes:
        return _text(rows, header=False)

    @staticmethod
    def texts(cells: pa.Array) -> pa.Array:
        """Each cell as it is written, where none wants quotes, which is not looked at."""
        if pa.types.is_string(cells.type):
            return cells
        numbers = pl.Series(cells)
        numbers = numbers.cast(pl.Float64) if numbers.dtype == pl.Float32 else numbers
        return numbers.cast(pl.String).to_arrow().cast(pa.string())

    def write(self, prepared: bytes) -> None:
        self._file.write(prepared)

    def close(self) -> None:
        pass  # Nothing is held back.


class Csv(Format):
    """Comma-separated text."""

    endings = (".csv", ".csv.gz")
    reader = CsvReader
    writer = CsvWriter


def _text(rows: pa.Table, *, header: bool) -> bytes:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    text = io.BytesIO()
    frame.with_columns(pl.col(pl.Float32).cast(pl.Float64)).write_csv(text, include_header=header)
    return text.getvalue()


def _fits_csv(kind: pa.DataType) -> bool:
    kinds = pa.types
    if kinds.is_dictionary(kind):
        return _fits_csv(kind.value_type)
    return any(
        fits(kind)
        for fits in (
            is_text,
            kinds.is_boolean,
            kinds.is_integer,
            kinds.is_floating,
            kinds.is_decimal128,
            kinds.is_date,
            kinds.is_time,
            kinds.is_timestamp,
            kinds.is_null,
        )
    )
