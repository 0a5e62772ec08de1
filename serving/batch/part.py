"""A file of the result while it is made: aside, known by what was written to it, and named when it is whole."""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO, cast

import pyarrow as pa
from blake3 import blake3

from models.errors import Refusal
from serving.batch.files import Files, writing
from serving.batch.layout import Layout

# Of a file that are sent to the disk at a time.
SENT_BYTES = 16 << 20


class Hashed(io.RawIOBase):
    """A file that knows the BLAKE3 of what is written to it, and has it written to the disk as it comes."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file, self._hash, self.length, self._discarded = file, blake3(), 0, False
        self._sent = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if not self._discarded:
            self._hash.update(data)
            self._file.write(data)
        self.length += size
        if self.length - self._sent >= SENT_BYTES:
            self._send()
        return size

    def discard(self) -> None:
        """Take what is still to come for written: whoever writes may end in peace."""
        self._discarded = True

    def tell(self) -> int:
        return self.length

    def _send(self) -> None:
        """Have what was written lately go to the disk meanwhile, so that little is left to wait for in the end."""
        if not self._discarded and hasattr(os, "posix_fadvise"):
            self._file.flush()
            # Linux begins to write what is not yet written; nobody waits for it.
            os.posix_fadvise(self._file.fileno(), self._sent, self.length - self._sent, os.POSIX_FADV_DONTNEED)
        self._sent = self.length

    @property
    def digest(self) -> str:
        """Of all so far, in hexadecimal."""
        return self._hash.hexdigest()


class Part:
    """One file of the result and its refusals, of which each holds its piece and the row in it."""

    def __init__(self, files: Files, layout: Layout, number: int, schema: pa.Schema) -> None:
        self._files, self._layout, self._number = files, layout, number
        self._address = layout.part(number)
        scratch, mark = files.scratch(layout), uuid.uuid4().hex
        self._paths = [scratch / f"{number}.{mark}.{kind}.tmp" for kind in ("scores", "turned")]
        with writing(self._address):
            self._open = [path.open("wb") for path in self._paths]
        self._scores = Hashed(cast(BinaryIO, self._open[0]))
        self.refused = 0
        try:
            with writing(self._address):
                self._writer = layout.writer(cast(BinaryIO, self._scores), schema)
        except BaseException:
            self._let_go()
            raise

    def write(self, prepared: Iterable[Any], refused: Iterable[Refusal], *, piece: int, first_row: int) -> None:
        """Write some more; the first row of an item is row `first_row` of its piece.

        Raises BadInput naming the file if it can not be written.
        """
        with writing(self._address):
            for each in prepared:
                self._writer.write(each)
            lines = [_line(refusal, piece, first_row) for refusal in refused]
            if lines:
                self._open[1].write(table(lines))
                self.refused += len(lines)

    def finish(self) -> tuple[str, int]:
        """Give the file its name; its BLAKE3 and its bytes. What said of an older single file what it is goes before.

        A worker that was given up as lost may come back when all is done. What it made is swept away by then, so that
        it fails; in a store it writes the same bytes again.

        Raises BadInput naming the file if it can not be written.
        """
        with writing(self._address):
            self._writer.close()
            for file in self._open:
                file.flush()
                os.fsync(file.fileno())
                file.close()
            self._files.put(self._paths[1], self._layout.turned_away(self._number))
            if not self._layout.folder:
                self._files.remove(self._layout.manifest)
            self._files.put(self._paths[0], self._address)
        return self._scores.digest, self._scores.length

    def abandon(self) -> None:
        """Take away what is not finished."""
        self._scores.discard()
        # A writer that failed once, as where the disk was full, fails again.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._let_go()

    def _let_go(self) -> None:
        for file, path in zip(self._open, self._paths, strict=True):
            with suppress(OSError):
                file.close()
            path.unlink(missing_ok=True)


def table(lines: Iterable[Iterable[object]]) -> bytes:
    """Rows of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def cell(refusal: Refusal) -> tuple[int, str]:
    """The row of a refusal, and its column; no column where the row as a whole is refused."""
    _, row, *column = refusal.path.split(".", 2)
    return int(row), ".".join(column)


def path_of(row: int, column: str) -> str:
    """The way back from `cell`."""
    return f"rows.{row}.{column}" if column else f"rows.{row}"


def _line(refusal: Refusal, piece: int, first_row: int) -> tuple[object, ...]:
    row, column = cell(refusal)
    return piece, first_row + row, column, refusal.rule, refusal.got
