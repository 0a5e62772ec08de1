"""A chain on disk: a file of lines that one process adds to, and beside it the head, which says how far it reaches."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from serving.change import NOTHING
from serving.decisions.line import Entry, Head, read_line

# What a file is opened with: nobody but its owner reads it.
FLAGS, MODE = os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600
BLOCK_BYTES = 1 << 16


def head_of(file: Path) -> Path:
    """Where the head of a chain lies."""
    return file.with_name(f"{file.name}.head")


class Chain:
    """An open chain. Its head is written after its lines, so that a chain that is shorter than its head was cut off.

    Everything raises OSError where the disk does not take it; the chain is then as it was before, or `broken`.
    """

    def __init__(self, path: Path, file: int, head: int, newest: Head) -> None:
        self.path = path
        self.newest = newest
        self.broken = False
        self._file, self._head = file, head
        found = os.fstat(file)
        self.bytes = found.st_size
        self._identity = found.st_dev, found.st_ino

    @classmethod
    def begin(cls, path: Path, header: Entry, previous: str = NOTHING) -> Self:
        """A new chain of one line, on the disk.

        Raises FileExistsError if there is a file of that name.
        """
        line, seal = header.linked(0, previous)
        file = os.open(path, FLAGS | os.O_EXCL, MODE)
        head, newest = -1, Head(0, seal)
        try:
            _write(file, line)
            head = os.open(head_of(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
            _put(head, newest)
            for each in (file, head):
                os.fsync(each)
            sync_folder(path.parent)
            return cls(path, file, head, newest)
        except OSError:
            for each in (file, head):
                with contextlib.suppress(OSError):
                    os.close(each)
            discard(path)
            raise

    @classmethod
    def resume(cls, path: Path) -> Self:
        """A chain that another process left, to go on with; what was torn off at its end is taken away.

        Where its end was cut off, it goes on after its head, and the gap stays to be seen.
        """
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, MODE)
        head = -1
        try:
            head = os.open(head_of(path), os.O_RDWR | os.O_CREAT, MODE)
            newest = _newest(file, os.pread(head, BLOCK_BYTES, 0), path)
            return cls(path, file, head, newest)
        except BaseException:
            for each in (file, head):
                with contextlib.suppress(OSError):
                    os.close(each)
            raise

    def append(self, entries: Sequence[Entry], *, sync: bool = False) -> None:
        """Add lines with one write, and say so in the head; with `sync` they are on the disk before that."""
        seal, lines = self.newest.hash, []
        for number, entry in enumerate(entries, self.newest.number + 1):
            line, seal = entry.linked(number, seal)
            lines.append(line)
        data, newest = b"".join(lines), Head(self.newest.number + len(lines), seal)
        try:
            _write(self._file, data)
            if sync:
                os.fdatasync(self._file)
            _put(self._head, newest)
        except OSError:
            self._undo()
            raise
        self.newest = newest
        self.bytes += len(data)

    def _undo(self) -> None:
        """Take away what was written in part, so that the next line follows the last whole one."""
        try:
            os.ftruncate(self._file, self.bytes)
            _put(self._head, self.newest)
        except OSError:
            self.broken = True

    def untouched(self) -> bool:
        """Whether the file is where it was, and holds as much as was written here."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity and found.st_size == self.bytes

    def close(self) -> None:
        """Let go of both files."""
        for each in (self._file, self._head):
            with contextlib.suppress(OSError):
                os.close(each)


def discard(path: Path) -> None:
    """Take away a chain that nothing was decided in."""
    for each in (path, head_of(path)):
        with contextlib.suppress(OSError):
            each.unlink()


def sync_folder(folder: Path) -> None:
    """Wait until the names of a folder's files are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(file: int, data: bytes) -> None:
    """Write all of it: a disk that fills up takes a part and refuses the rest."""
    written = os.write(file, data)
    while written < len(data):
        data = data[written:]
        written = os.write(file, data)


def _put(file: int, head: Head) -> None:
    text = head.text()
    if os.pwrite(file, text, 0) != len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _newest(file: int, head: bytes, path: Path) -> Head:
    """Where a chain that was left goes on: after its last whole line, or after its head if that reaches further."""
    whole, line = _last_line(file)
    os.ftruncate(file, whole)
    found = []
    with contextlib.suppress(ValueError):
        found.append(Head.read(head))
    with contextlib.suppress(ValueError):
        link = read_line(line)
        found.append(Head(link.number, link.hash))
    if not found:
        raise OSError(errno.EUCLEAN, f"{path.name}: neither its last line nor its head can be read")
    return max(found, key=lambda each: each.number)


def _last_line(file: int) -> tuple[int, bytes]:
    """How many bytes there are in whole lines, and the last of them."""
    start = size = os.fstat(file).st_size
    data = b""
    while start > 0 and data.rstrip(b"\n").count(b"\n") < 2:
        start = max(0, start - BLOCK_BYTES)
        data = os.pread(file, size - start, start)
    whole = data.rfind(b"\n") + 1
    return start + whole, data[:whole].rstrip(b"\n").rpartition(b"\n")[2] + b"\n"
