"""Heads of requests that were read before: who asks again sends the same line and headers.

To read a head costs as much as to answer. The same bytes mean the same, so that they are read once; whether their
sender may ask is looked at every time.
"""

from __future__ import annotations

from typing import NamedTuple

from serving.fast.routes import Route

REMEMBERED = 256
MOST_BYTES = 2048
END = b"\r\n\r\n"


class Head(NamedTuple):
    """What the head of a request to a hot route says: who asks, and how many bytes follow.

    Its connection stays open after the answer, and nobody traces it.
    """

    route: Route
    authorization: str | None
    size: int


class Heads:
    """The heads that this process has read."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the body of a whole request; None if its head is not known, or it is not just one request."""
        written, _, body = data.partition(END)
        head = self._known.get(written)
        return None if head is None or head.size != len(body) else (head, body)

    def learn(self, data: bytes, head: Head) -> None:
        """Remember what was read in a whole request, if it is beyond doubt where its head ends."""
        written, _, body = data.partition(END)
        lines = written.count(b"\r\n")
        plain = len(written) <= MOST_BYTES and written.count(b"\n") == written.count(b"\r") == lines
        if not plain or len(body) != head.size:
            return
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[written] = head
