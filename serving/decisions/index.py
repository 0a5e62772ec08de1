"""The index of a folder of logs: a chain of its own that says which files were begun, and where each ended.

A file that is missing as a whole is found by it. It is written only when a file begins or ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from pydantic import JsonValue

from serving.decisions.chain import Chain, discard, head_of
from serving.decisions.line import Entry, Head

INDEX = "index.jsonl"
BEGUN, ENDED = "begun", "ended"
FORMAT = 1


def now() -> str:
    """The time in UTC: ISO 8601 with microseconds."""
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    return f"{_second(seconds)}.{microseconds:06}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    """Written once a second: it costs more than all else that is done for a line."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def logged(folder: Path, event: str, file: str, newest: Head) -> None:
    """Add to the index what became of a file whose newest line is this one.

    Raises OSError where the disk does not take it.
    """
    with _locked(folder) as index:
        _add(index, event, file, newest)


@contextmanager
def _locked(folder: Path) -> Iterator[Chain]:
    """The index, made if there is none, for one process at a time; a lock dies with its owner."""
    path = folder / INDEX
    gate = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if _is_new(path):
            chain = Chain.begin(path, Entry.of({"at": now(), "file": INDEX, "format": FORMAT}))
        else:
            chain = Chain.resume(path)
        try:
            yield chain
        finally:
            chain.close()
    finally:
        os.close(gate)


def _is_new(path: Path) -> bool:
    """Whether there is no index yet; where its head is left alone, it goes on after that, and the gap stays."""
    if head_of(path).exists() or (path.exists() and path.stat().st_size):
        return False
    path.unlink(missing_ok=True)
    return True


def _add(index: Chain, event: str, file: str, newest: Head) -> None:
    fields: dict[str, JsonValue] = {
        "at": now(),
        "event": event,
        "file": file,
        "last": newest.number,
        "last_hash": newest.hash,
    }
    index.append([Entry.of(fields)], sync=True)


def begin(folder: Path, name: str, about: dict[str, str]) -> Chain:
    """A new log, entered in the index before anything is decided in it.

    Raises OSError where the disk does not take it.
    """
    with _locked(folder) as index:
        header = Entry.of({**about, "at": now(), "file": name, "format": FORMAT})
        chain = Chain.begin(folder / name, header, index.newest.hash)
        try:
            _add(index, BEGUN, name, chain.newest)
        except OSError:
            chain.close()
            discard(chain.path)
            raise
        return chain


@contextmanager
def standing_still(folder: Path) -> Iterator[None]:
    """While no file begins or ends in a folder; where it can not be locked, as it is."""
    gate = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(gate, fcntl.LOCK_SH)
        yield
    finally:
        os.close(gate)
