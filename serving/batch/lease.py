"""A lock in a store, which knows no locks: a file that is there once, and is renewed while its owner lives."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import suppress
from typing import Any, Self

from models.errors import BadInput, Refusal

RENEWED_SECONDS = 5.0
# Whoever has not renewed it for so long is taken to be dead.
DEAD_SECONDS = 20.0


class Lease:
    """What one job holds alone, as a context.

    The owner's clock is never compared with another one: whether it lives is seen by whether what it wrote changes.

    Raises BadInput if another job holds it, naming what that job makes.
    """

    def __init__(self, system: Any, path: str, target: str) -> None:
        self._system, self._path, self._target = system, path, target
        self._owner, self._turn = uuid.uuid4().hex, 0
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Self:
        if not self._created():
            seen = self._read()
            self._wait(seen)
            with suppress(FileNotFoundError):
                self._system.rm_file(self._path)
            if not self._created():
                raise self._taken()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if not self.lost:
            with suppress(FileNotFoundError):
                self._system.rm_file(self._path)

    @property
    def lost(self) -> bool:
        """Whether another job holds it by now."""
        return self._lost.is_set()

    def check(self) -> None:
        """Raises BadInput if it was lost meanwhile, as after a long sleep."""
        if self.lost:
            raise self._taken()

    def _wait(self, seen: bytes | None) -> None:
        """Until what is there has not changed for so long that its owner must be dead."""
        until = time.monotonic() + DEAD_SECONDS
        while time.monotonic() < until:
            time.sleep(min(1.0, DEAD_SECONDS / 4))
            now = self._read()
            if now is None:
                return
            if now != seen:
                raise self._taken()

    def _created(self) -> bool:
        try:
            self._system.pipe_file(self._path, self._text(), mode="create")
        except FileExistsError:
            return False
        return True

    def _renew(self) -> None:
        while not self._ended.wait(RENEWED_SECONDS):
            with suppress(OSError):  # A store that is away for a moment: the next turn tries again.
                now = self._read()
                if now is None or not now.startswith(self._owner.encode()):
                    self._lost.set()
                    return
                self._turn += 1
                self._system.pipe_file(self._path, self._text())

    def _text(self) -> bytes:
        return f"{self._owner} {self._turn}".encode()

    def _read(self) -> bytes | None:
        try:
            found: bytes = self._system.cat_file(self._path)
        except FileNotFoundError:
            return None
        return found

    def _taken(self) -> BadInput:
        return BadInput([Refusal(self._target, "should be written by one job at a time", "another job writing it")])
