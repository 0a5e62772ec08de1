from __future__ import annotations

from typing import Any, BinaryIO

import pyarrow as pa

from serving.batch.formats.form import Writer

GROUP_ROWS = 131_072
GROUP_BYTES = 64 << 20


class Grouped(Writer):
    """A file of groups of rows; rows are held back until they fill one."""

    _file: Any  # what writes tables, and closes the file's own end

    @classmethod
    def check(cls, schema: pa.Schema) -> None:
        pass  # Whatever was read can be written.

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        del file, schema
        self._let_go()

    @staticmethod
    def prepared(rows: pa.Table) -> pa.Table:
        return rows

    def write(self, prepared: pa.Table) -> None:
        if prepared.num_rows == 0:
            return
        self._held.append(prepared)
        self._rows += prepared.num_rows
        self._bytes += prepared.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
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
