"""Files that appear whole or not at all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from models.errors import BadInput, Refusal


@contextmanager
def aside(target: Path) -> Iterator[Path]:
    """An empty hidden folder beside `target` for one job alone, gone in the end.

    What a killed job left in it is cleared away by the next: the lock on a folder dies with its owner.

    Raises BadInput if no file can be made there, or if another job is making the same one.
    """
    folder = target.with_name(f".{target.name}.partial")
    try:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        rule = "should be in a folder in which files can be made"
        raise BadInput([Refusal(str(target), rule, str(error.strerror))]) from None
    try:
        if not _held(handle, folder):
            raise BadInput([Refusal(str(target), "should be written by one job at a time", "another job writing it")])
        try:
            _clear(folder)
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(handle)


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """A new file to write to; in the end it is not only written but on the disk."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def put(file: Path, target: Path) -> None:
    """Rename a durable file to `target`, at once and to last."""
    file.replace(target)
    handle = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _held(handle: int, folder: Path) -> bool:
    """Whether the lock could be had, and the folder is not the one another job has just cleared away."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), folder.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _clear(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()
