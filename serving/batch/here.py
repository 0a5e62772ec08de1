"""Files of this machine."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from models.errors import BadInput, Refusal
from serving.batch.files import Files
from serving.batch.layout import Layout

# What is known of shards that are done outlives the job that did them.
KEPT = (".json", ".refused")
# A file, and open for writing: on a volume that several machines share a folder can not be locked for all of them.
LOCK = "lock"


class Here(Files):
    """Files are made aside on the same disk and renamed; the lock on them dies with its owner."""

    @contextmanager
    def held(self, layout: Layout) -> Iterator[None]:
        target, work = Path(layout.target), Path(layout.work)
        made = [folder for folder in ((target, work) if layout.folder else (work,)) if not folder.exists()]
        try:
            for folder in made:
                folder.mkdir(exist_ok=True)
            handle = os.open(work / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            rule = "should be in a folder in which files can be made"
            raise BadInput([Refusal(str(target), rule, str(error.strerror))]) from None
        try:
            if not _locked(handle, work / LOCK):
                rule = "should be written by one job at a time"
                raise BadInput([Refusal(str(target), rule, "another job writing it")])
            try:
                _sweep(work)
                for address in (layout.manifest, layout.refused):
                    _sweep_beside(Path(address))
                _check_writable(target, work)
                yield
            finally:
                _leave(layout, work, made)
        finally:
            os.close(handle)

    def check(self) -> None:
        pass  # What is locked stays so.

    def scratch(self, layout: Layout) -> Path:
        return Path(layout.work)

    def put(self, file: Path, address: str) -> None:
        try:
            file.replace(address)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The folder of the result is a disk of its own, and what lies beside it on another.
            beside = _beside(Path(address))
            try:
                with durable(beside) as copy, file.open("rb") as made:
                    shutil.copyfileobj(made, copy)
                beside.replace(address)
            finally:
                beside.unlink(missing_ok=True)
            file.unlink()
        handle = os.open(Path(address).parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def write(self, address: str, data: bytes) -> None:
        beside = _beside(Path(address))
        try:
            with durable(beside) as file:
                file.write(data)
            self.put(beside, address)
        finally:
            beside.unlink(missing_ok=True)

    def read(self, address: str) -> bytes | None:
        try:
            return Path(address).read_bytes()
        except FileNotFoundError:
            return None

    def size(self, address: str) -> int | None:
        path = Path(address)
        return path.stat().st_size if path.is_file() else None

    def names(self, address: str) -> list[str]:
        path = Path(address)
        return sorted(found.name for found in path.iterdir()) if path.is_dir() else []

    def remove(self, address: str) -> None:
        Path(address).unlink(missing_ok=True)


@contextmanager
def durable(path: Path) -> Iterator[BinaryIO]:
    """A new file to write to; in the end it is not only written but on the disk."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


def _locked(handle: int, file: Path) -> bool:
    """Whether the lock could be had, and the file is not the one another job has just cleared away."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), file.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _sweep(work: Path) -> None:
    """Clear away what is not finished."""
    for left in work.iterdir():
        if left.name != LOCK and (left.suffix not in KEPT or left.name.startswith(".")):
            left.unlink()


def _sweep_beside(path: Path) -> None:
    """Clear away what was to become this file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink()


def _check_writable(target: Path, work: Path) -> None:
    probe = work / ".probe.tmp"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        rule = "should be in a folder in which files can be made"
        raise BadInput([Refusal(str(target), rule, str(error.strerror))]) from None


def _leave(layout: Layout, work: Path, made: list[Path]) -> None:
    """Of a folder nothing goes that is finished; a folder that was made in vain goes too."""
    with suppress(FileNotFoundError):
        if not layout.folder:
            shutil.rmtree(work)
            return
        _sweep(work)
        (work / LOCK).unlink()
        for folder in reversed(made):
            if any(folder.iterdir()):
                break
            folder.rmdir()
