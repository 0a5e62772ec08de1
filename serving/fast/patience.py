"""Requests that take too long to arrive are ended, by one look a second at those that are on their way."""

from __future__ import annotations

import asyncio
from typing import Protocol

EVERY_SECONDS = 1.0


class Arriving(Protocol):
    """A connection on which a request is on its way."""

    def too_slow(self) -> None:
        """End it: it took too long."""


class Patience:
    """Knows since when each connection keeps a request waiting, the oldest first.

    Each request is written down and crossed out once; a timer for each would cost as much as reading it.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: dict[Arriving, float] = {}
        self._looking = False

    def begin(self, connection: Arriving) -> None:
        """A request, or a connection that has not sent any, begins."""
        loop = asyncio.get_running_loop()
        self._since.pop(connection, None)
        self._since[connection] = loop.time()
        if not self._looking:
            self._looking = True
            loop.call_later(min(EVERY_SECONDS, self.seconds), self._look)

    def end(self, connection: Arriving) -> None:
        """It is there, or the connection is gone."""
        self._since.pop(connection, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while self._since:
            oldest = next(iter(self._since))
            if self._since[oldest] + self.seconds > loop.time():
                break
            del self._since[oldest]
            oldest.too_slow()
        self._looking = bool(self._since)
        if self._looking:
            loop.call_later(min(EVERY_SECONDS, self.seconds), self._look)
