"""Rows -> files, a chunk at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet

from models.errors import BadInput, Refusal

ROW_GROUP = 131_072
ROW_GROUP_BYTES = 64 << 20


class Writer(ABC):
    """A file that is being written, of rows of one schema."""

    @classmethod
    @abstractmethod
    def check(cls, schema: pa.Schema) -> None:
        """Raises BadInput if such a file can not hold a column."""

    @abstractmethod
    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None: ...

    @abstractmethod
    def write(self, rows: pa.Table) -> None:
        """Write some more rows, or hold them back."""

    @abstractmethod
    def close(self) -> None:
        """Write what is still held back; the file itself stays open."""


def writer_of(target: Path) -> type[Writer]:
    """What writes a table, by the ending of the file's name.

    Raises BadInput if it is another one.
    """
    kind = {".csv": CsvWriter, ".parquet": ParquetWriter}.get(target.suffix.lower())
    if kind is None:
        raise BadInput([Refusal(str(target), "should end in .csv or .parquet", target.suffix or "no ending")])
    return kind


class CsvWriter(Writer):
    """CSV in UTF-8 with a header; null is an empty cell, an empty text a quoted one.

    A 32-bit score is written as the double of the same value, all its digits: whoever reads it back, as either,
    and compares it with the threshold gets the decision that stands beside it.
    """

    @classmethod
    def check(cls, schema: pa.Schema) -> None:
        """Raises BadInput if a column is of a type that has no plain text, such as a list."""
        rule = "should be of a type that CSV can hold (Parquet can)"
        refused = [
            Refusal(field.name, rule, f"a column of type {field.type}") for field in schema if not _fits_csv(field.type)
        ]
        if refused:
            raise BadInput(refused)

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._file = file
        self._write(schema.empty_table(), header=True)

    def write(self, rows: pa.Table) -> None:
        self._write(rows, header=False)

    def close(self) -> None:
        pass  # Nothing is held back.

    def _write(self, rows: pa.Table, *, header: bool) -> None:
        frame = pl.from_arrow(rows)
        assert isinstance(frame, pl.DataFrame)
        frame.with_columns(pl.col(pl.Float32).cast(pl.Float64)).write_csv(self._file, include_header=header)


class ParquetWriter(Writer):
    """Parquet; rows are held back until they fill a row group of 131,072 rows or 64 MiB."""

    @classmethod
    def check(cls, schema: pa.Schema) -> None:
        pass  # Whatever was read can be written.

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        self._schema = schema
        self._let_go()
        self._file = pyarrow.parquet.ParquetWriter(
            file,
            schema,
            # Numbers hardly repeat: dictionaries of them cost 7 times the time and half as much space again.
            use_dictionary=[field.name for field in schema if _is_text(field.type)],
        )

    def write(self, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        self._held.append(rows)
        self._rows += rows.num_rows
        self._bytes += rows.nbytes
        if self._rows >= ROW_GROUP or self._bytes >= ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        if self._held:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        self._file.write_table(pa.concat_tables(self._held))
        self._let_go()

    def _let_go(self) -> None:
        self._held: list[pa.Table] = []
        self._rows = self._bytes = 0


def _fits_csv(kind: pa.DataType) -> bool:
    kinds = pa.types
    if kinds.is_dictionary(kind):
        return _fits_csv(kind.value_type)
    return any(
        fits(kind)
        for fits in (
            _is_text,
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


def _is_text(kind: pa.DataType) -> bool:
    kinds = pa.types
    return any(is_text(kind) for is_text in (kinds.is_string, kinds.is_large_string, kinds.is_string_view))
