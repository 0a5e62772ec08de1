"""The keys of an issuer, known beforehand: a thread asks for them, so that no request ever waits for the issuer."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from serving.access import IssuerLost
from serving.oidc.fetching import CannotFetch
from serving.oidc.keys import Key, keys_of

EVERY_SECONDS = 300.0
# At the most this often, however many tokens name a key that is not known, and after a failure.
PAUSE_SECONDS = 3.0
# So long the last keys are used while the issuer can not be asked for new ones.
GRACE_SECONDS = 3600.0
START_SECONDS = 12.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Held:
    """Keys, the document they stand in, and when it was had."""

    keys: tuple[Key, ...]
    document: bytes
    at: float


class Keyring:
    """The keys of the issuer `name`, as `ask` tells them.

    `known` is answered at once, whatever the issuer does; `refresh` is what the thread does over and over.
    """

    def __init__(self, name: str, ask: Callable[[], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._ask = ask
        self._clock = clock
        self._held: Held | None = None
        self._trouble: str | None = None
        self._asked_at = -math.inf
        self._process: int | None = None
        self._wanted, self._first = threading.Event(), threading.Event()

    def begin(self) -> None:
        """Ask for the first keys, and go on without them where the issuer does not answer in time."""
        self._start()
        self._first.wait(START_SECONDS)

    def known(self) -> tuple[Key, ...]:
        """The keys as last told; the same tuple for as long as they are the same.

        Raises IssuerLost naming the issuer if it has told none for too long.
        """
        self._start()
        held = self._held
        if held is None or self._clock() - held.at > GRACE_SECONDS:
            trouble = self._trouble or "nothing yet."
            raise IssuerLost(f"{self._name}: should tell its keys, got: {trouble}", math.ceil(PAUSE_SECONDS))
        return held.keys

    def want(self) -> int:
        """A key is missing: ask as soon as it may be asked again; about how many seconds that takes."""
        self._wanted.set()
        return max(1, math.ceil(self._asked_at + PAUSE_SECONDS - self._clock()) + 1)

    def refresh(self) -> None:
        """Ask for the keys once, and keep the last ones if that fails."""
        try:
            document = self._ask()
            held = self._held
            same = held is not None and held.document == document
            keys = held.keys if held is not None and same else keys_of(self._name, document)
        except CannotFetch as error:
            self._fail(str(error))
        except Exception:
            # Whatever it is, keys are asked for again; what it was stands in the log.
            logger.exception("%s: could not ask for the keys", self._name)
            self._fail("an error that nobody foresaw.")
        else:
            self._held, self._trouble = Held(keys, document, self._clock()), None
        self._asked_at = self._clock()

    def _fail(self, trouble: str) -> None:
        if trouble != self._trouble:
            logger.warning("%s The keys known before are used for up to %d minutes.", trouble, GRACE_SECONDS // 60)
        self._trouble = trouble

    def _start(self) -> None:
        """Start the thread, once in each process."""
        if self._process != os.getpid():
            self._process = os.getpid()
            threading.Thread(target=self._keep, name="keys of the issuer", daemon=True).start()

    def _keep(self) -> None:
        while True:
            self._wanted.clear()
            self.refresh()
            self._first.set()
            time.sleep(PAUSE_SECONDS)
            if self._trouble is None:
                self._wanted.wait(EVERY_SECONDS - PAUSE_SECONDS)
