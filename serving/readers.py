"""Files -> rows, some thousand at a time, whatever the size of the file."""

from __future__ import annotations

import gzip
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from models.errors import BadInput, Refusal
from serving.chunk import Chunk
from serving.records import Block, split_header, whole_records

READ_BUFFER_BYTES = 1 << 20


class Reader(Protocol):
    """An opened file: its columns, and its rows in order."""

    schema: pa.Schema

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Chunks of at most `rows` rows, in the order of the file, from its beginning; to be asked for once."""

    def close(self) -> None:
        """Let go of the file."""


def open_reader(source: Path) -> Reader:
    """Open a table by the ending of its name.

    Raises BadInput if the file is of another kind, not there or not readable.
    """
    name = source.name.lower()
    if name.endswith(".parquet"):
        return ParquetReader(source)
    if name.endswith((".csv", ".csv.gz")):
        return CsvReader(source)
    raise BadInput([Refusal(str(source), "should end in .csv, .csv.gz or .parquet", source.suffix or "no ending")])


class ParquetReader:
    """A Parquet file, read a row group and within it a chunk at a time."""

    def __init__(self, source: Path) -> None:
        self._name = str(source)
        try:
            # Reading ahead would hold whole row groups: a gigabyte on a file with a million rows in each.
            self._file = pyarrow.parquet.ParquetFile(source, pre_buffer=False, buffer_size=READ_BUFFER_BYTES)
            self.schema: pa.Schema = self._file.schema_arrow
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(error) from None

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Chunks of at most `rows` rows.

        Raises BadInput if the file turns out to be damaged.
        """
        first_row = 0
        try:
            for batch in self._file.iter_batches(rows):
                yield Chunk(first_row, pa.Table.from_batches([batch]))
                first_row += batch.num_rows
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(error) from None

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _unreadable(self, error: Exception) -> BadInput:
        return BadInput([Refusal(self._name, "should be a Parquet file that can be read", _first_line(error))])


class CsvReader:
    """A CSV file in UTF-8, with a header, commas, and quotes as in RFC 4180; also one packed by gzip.

    Every cell is text, exactly as it stands: `007` stays `007`. An empty cell is null, a quoted empty one is an
    empty text. Blank lines are no rows, unless there is but one column.
    """

    def __init__(self, source: Path) -> None:
        self._name = str(source)
        self._file = _opened(source)
        try:
            self._begin()
        except BadInput:
            self.close()
            raise

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """Chunks of at most `rows` rows; a row with too few or too many cells is refused.

        Raises BadInput naming the line if the file is not CSV in UTF-8.
        """
        first_row = 0
        for block in self._blocks:
            table, ragged = self._parsed(block)
            yield from _chunks(table, ragged, first_row=first_row, rows=rows)
            first_row += table.num_rows + len(ragged)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _begin(self) -> None:
        blocks = whole_records(self._file, self._name)
        first = next((block for block in blocks if not block.blank), None)
        if first is None:
            raise BadInput([Refusal(self._name, "should have a header and rows", "an empty file")])
        header, rest = split_header(first)
        self.schema = pa.schema([(name, pa.string()) for name in self._names(header)])
        self._blocks = chain([rest] if rest.data else [], blocks)

    def _names(self, header: Block) -> list[str]:
        self._check_text(header)
        ragged: list[int] = []

        def note(row: pyarrow.csv.InvalidRow) -> str:
            ragged.append(row.number)
            return "skip"

        parsed = pyarrow.csv.read_csv(
            pa.py_buffer(header.data + b"\n"),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(header.data) + 1),
            pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        )
        if parsed.num_rows or ragged:
            raise BadInput([Refusal(self._name, "should have lines that end in LF or CRLF", "CR alone")])
        names: list[str] = parsed.schema.names
        return names

    def _parsed(self, block: Block) -> tuple[pa.Table, dict[int, int]]:
        """The rows of a block, all cells text; and how many cells there are in each row that has another number."""
        ragged: dict[int, int] = {}

        def refuse(row: pyarrow.csv.InvalidRow) -> str:
            ragged[row.number - 1] = row.actual_columns
            return "skip"

        self._check_text(block)
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
        try:
            block.data.decode()
        except UnicodeDecodeError as error:
            where = f"{self._name}, line {block.line_at(error.start)}"
            raise BadInput(
                [Refusal(where, "should be text in UTF-8", f"byte 0x{block.data[error.start]:02x}")]
            ) from None


def _chunks(table: pa.Table, ragged: dict[int, int], *, first_row: int, rows: int) -> Iterator[Chunk]:
    """Chunks of a parsed block, parted where a row was left out, so that every row keeps its number."""
    start, end, cells = 0, table.num_rows + len(ragged), table.num_columns
    refused: list[Refusal] = []
    for left_out, place in enumerate([*ragged, end]):
        for row in range(start, place, rows):
            yield Chunk(first_row + row, table.slice(row - left_out, min(rows, place - row)), tuple(refused))
            refused = []
        if place in ragged:
            refused.append(Refusal(f"rows.{first_row + place}", f"should have {cells} cells", f"{ragged[place]} cells"))
        start = place + 1
    if refused:
        yield Chunk(first_row + end, table.slice(0, 0), tuple(refused))


def _opened(source: Path) -> BinaryIO:
    try:
        return cast(BinaryIO, gzip.open(source)) if source.suffix.lower() == ".gz" else source.open("rb")
    except OSError as error:
        raise BadInput([Refusal(str(source), "should be a file that can be read", str(error.strerror))]) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
