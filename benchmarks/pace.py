"""Requests at a pace that does not wait for answers, over connections that are kept: what came back of each, and when.

One thread sends some thousands a second. A request is due at its moment, and its time is counted from there, however late a
connection was free for it: a service that stalls is not asked less for it.

Source: Tene, "How NOT to Measure Latency", 2013 (coordinated omission).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LOST = 0
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PAUSE_SECONDS = 0.02


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: here", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


@dataclass
class Came:
    """What came back of many requests: when each was due and was sent, the seconds from when it was due, and its status.

    The status is 0 where the connection was lost.
    """

    due: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    status: list[int] = field(default_factory=list)

    def moments(self, *good: int) -> list[float]:
        """When those were due whose status is none of these."""
        return [due for due, status in zip(self.due, self.status, strict=True) if status not in good]

    def took(self, status: int = 200) -> list[float]:
        """The seconds of those with this status, from when they were sent."""
        rows = zip(self.due, self.sent, self.seconds, self.status, strict=True)
        return [seconds - (sent - due) for due, sent, seconds, got in rows if got == status]

    def times(self, status: int = 200) -> list[float]:
        """The seconds of those with this status."""
        return [each for each, got in zip(self.seconds, self.status, strict=True) if got == status]


async def drive(
    url: str,
    requests: Sequence[bytes],
    *,
    seconds: float,
    rate: float | None = None,
    connections: int = 16,
    look: Callable[[int, bytes], None] | None = None,
    every: int = 100,
) -> Came:
    """Send requests in turn for some seconds, `rate` a second together, or each as soon as a connection is free.

    `look` is given one answered body of so many, with the place of its request.
    """
    pool = _Pool(url, requests, look, every)
    begun = time.monotonic()
    lines = [asyncio.ensure_future(pool.line()) for _ in range(connections)]
    if rate is None:
        pool.unpaced = True
        pool.more.set()
        await asyncio.sleep(seconds)
    else:
        sent = 0
        while (now := time.monotonic() - begun) < seconds:
            due = int(now * rate)
            pool.waiting.extend(begun + number / rate for number in range(sent, due))
            sent = max(sent, due)
            pool.more.set()
            await asyncio.sleep(0.001)
    pool.ended = True
    pool.more.set()
    await asyncio.wait(lines, timeout=60)
    for line in lines:
        line.cancel()
    return pool.came


class _Pool:
    """What the connections share: the requests that are due, and what came back."""

    def __init__(
        self, url: str, requests: Sequence[bytes], look: Callable[[int, bytes], None] | None, every: int
    ) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.requests, self.look, self.every = requests, look, every
        self.waiting: deque[float] = deque()
        self.more = asyncio.Event()
        self.unpaced = self.ended = False
        self.came = Came()
        self.turn = 0

    async def line(self) -> None:
        """One connection after the other, each kept as long as it lasts."""
        wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while (due := await self._next()) is not None:
            place = self.turn % len(self.requests)
            self.turn += 1
            sent = time.monotonic()
            try:
                if wire is None:
                    wire = await asyncio.open_connection(self.host, self.port)
                status, body, kept = await _ask(*wire, self.requests[place])
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                status, body, kept = LOST, b"", False
            if wire is not None and not kept:
                wire[1].close()
                wire = None
            self.came.due.append(due)
            self.came.sent.append(sent)
            self.came.seconds.append(time.monotonic() - due)
            self.came.status.append(status)
            if self.look is not None and status == 200 and len(self.came.due) % self.every == 0:
                self.look(place, body)
            if status == LOST:
                await asyncio.sleep(PAUSE_SECONDS)
        if wire is not None:
            wire[1].close()

    async def _next(self) -> float | None:
        """When the next request is due; None if no more are."""
        while not self.ended or self.waiting:
            if self.waiting:
                return self.waiting.popleft()
            if self.unpaced:
                return time.monotonic()
            self.more.clear()
            await self.more.wait()
        return None


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes, bool]:
    """The status and body of an answer, and whether the connection is kept."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    found = LENGTH.search(head)
    body = await reader.readexactly(int(found[1]) if found else 0)
    return int(head[9:12]), body, b"connection: close" not in head.lower()
