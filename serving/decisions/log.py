"""The decisions of one process, on the disk before any of them is told."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from serving.decisions import index
from serving.decisions.chain import Chain
from serving.decisions.line import Entry
from serving.decisions.runtime import runtime
from serving.refusals import LogLost

# Who takes a file away takes all of it: what is written to it until that is seen is a small part.
LOOK_SECONDS = 0.1
logger = logging.getLogger(__name__)


class Log:
    """Files of one process in a folder, one after the other; threads may share it.

    A line survives the end of its process, however sudden; with `sync`, that of the machine too. A file is followed by
    another once it holds `most_bytes`, and where it is no longer as it was left.
    """

    def __init__(self, folder: Path, *, most_bytes: int, sync: bool) -> None:
        self.folder = folder.absolute()
        self._most_bytes = most_bytes
        self._sync = sync
        self._lock = threading.Lock()
        self._chain: Chain | None = None
        self._lost = False
        self._looked = 0.0
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self._process = f"{started}-{secrets.token_hex(8)}"
        self._numbers = count(1)

    def write(self, entries: Sequence[Entry]) -> None:
        """Add lines, all of them or none.

        Raises LogLost if they can not be written; the next call tries again.
        """
        with self._lock:
            try:
                self._ready().append(entries, sync=self._sync)
            except OSError as error:
                why = error.strerror or "nothing"
                # Once, not for every request: a full disk would be filled up further.
                if not self._lost:
                    logger.error("%s: can not be written: %s; nothing is answered.", self.folder, why)  # noqa: TRY400  # the folder and the cause say all
                self._lost = True
                raise LogLost(why) from error
            if self._lost:
                logger.warning("%s: can be written again.", self.folder)
                self._lost = False

    def close(self) -> None:
        """Say in the index where the last file ends; a process that is killed says nothing."""
        with self._lock:
            self._end()

    def _ready(self) -> Chain:
        """The chain to go on with."""
        chain = self._chain
        if chain is not None and not chain.broken:
            if not self._untouched(chain):
                logger.error("%s: should be as it was left, got another or none; going on in a new file.", chain.path)
            elif chain.bytes < self._most_bytes:
                return chain
        self._end()
        name = f"{self._process}-{next(self._numbers):06}.jsonl"
        self._chain = index.begin(
            self.folder, name, {"process": self._process, "process_id": str(os.getpid()), "runtime": runtime()}
        )
        return self._chain

    def _untouched(self, chain: Chain) -> bool:
        """Whether a file is as it was left; looked at now and then, for a look costs as much as a line."""
        if (now := time.monotonic()) - self._looked < LOOK_SECONDS:
            return True
        self._looked = now
        return chain.untouched()

    def _end(self) -> None:
        chain, self._chain = self._chain, None
        if chain is None:
            return
        chain.close()
        # What is broken has an end of which nothing was told: where that is, only its head knows.
        if chain.broken:
            return
        try:
            index.logged(self.folder, index.ENDED, chain.path.name, chain.newest)
        except OSError as error:
            logger.warning("%s: its end could not be entered in the index: %s.", chain.path, error.strerror)
