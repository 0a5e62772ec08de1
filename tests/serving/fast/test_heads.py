from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from serving.asker import NOBODY, Asker
from serving.fast.heads import MOST_BYTES, REMEMBERED, Head, Heads
from serving.fast.protocol import Protocol
from serving.refusals import Answer

IDLE_SECONDS = 0.4
HEAD = b"POST /hot HTTP/1.1\r\nHost: here\r\nContent-Length: 4"
WHOLE = HEAD + b"\r\n\r\nbody"


class Hot:
    """A route that answers a body with itself, to whom it lets in."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.lets_in = True
        self.seconds = seconds
        self.asked_by: list[str | None] = []

    def let_in(self, authorization: str | None, host: str | None, size: int, trace: str | None) -> Asker | Answer:
        assert host == "127.0.0.1"
        assert size == 4
        assert trace is None
        self.asked_by.append(authorization)
        return NOBODY if self.lets_in else Answer(403, b"{}")

    def check_size(self, size: int) -> None:
        assert size <= 4

    def ask(self, body: bytes, tell: Callable[[Answer], None], asker: Asker) -> None:
        assert asker is NOBODY
        asyncio.get_running_loop().call_later(self.seconds, tell, Answer(200, b'"%b"' % body))


@asynccontextmanager
async def connected(
    hot: Hot, known: Heads | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, list[bytes]]]:
    """Both ends of a connection to a hot route, and the addresses that were read letter by letter."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the common way")

    read: list[bytes] = []

    class Reading(Protocol):
        routes: ClassVar[dict[bytes, Any]] = {b"/hot": hot}
        heads: ClassVar[Heads] = known or Heads()

        def on_headers_complete(self) -> None:
            read.append(self.url)
            super().on_headers_complete()

    config = Config(app, timeout_keep_alive=IDLE_SECONDS)  # type: ignore[arg-type]  # whole seconds in its own hints
    config.load()
    loop, state = asyncio.get_running_loop(), ServerState()
    server = await loop.create_server(lambda: Reading(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer, read
        finally:
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.05)  # the other end sees it


async def heard(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Status and body of the next answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    return head.split()[1], await reader.readexactly(length)


def test_what_was_read_once_is_known_with_any_body_of_its_length() -> None:
    heads, head = Heads(), Head(Hot(), "Bearer x", 4)  # type: ignore[arg-type]  # it stands in
    assert heads.find(WHOLE) is None
    heads.learn(WHOLE, head)
    assert heads.find(WHOLE) == (head, b"body")
    assert heads.find(HEAD + b"\r\n\r\n\r\n\r\n") == (head, b"\r\n\r\n")


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"\r\n\r\nbod",
        HEAD + b"\r\n\r\nbody!",
        WHOLE + WHOLE,
        WHOLE[:-9],
        b"\r\n" + WHOLE,
        WHOLE.replace(b"here", b"Here"),
        WHOLE.replace(b": 4", b": 04"),
        b"",
    ],
)
def test_anything_else_is_not_known(data: bytes) -> None:
    heads = Heads()
    heads.learn(WHOLE, Head(Hot(), None, 4))  # type: ignore[arg-type]  # it stands in
    assert heads.find(data) is None


@pytest.mark.parametrize(
    "data",
    [
        # Where a head ends by lines that lack a return, another reader could see another end.
        b"POST /hot HTTP/1.1\nContent-Length: 4\n\nbody\r\n\r\n\r\n\r\n",
        b"POST /hot HTTP/1.1\r\nA: b\nContent-Length: 4\r\n\r\nbody",
        b"POST /hot HTTP/1.1\r\nA: b\rContent-Length: 4\r\n\r\nbody",
        WHOLE + b"\r\n",
        WHOLE[:-1],
        HEAD + b"\r\nA: " + b"a" * MOST_BYTES + b"\r\n\r\nbody",
    ],
)
def test_what_is_in_doubt_is_not_remembered(data: bytes) -> None:
    heads = Heads()
    heads.learn(data, Head(Hot(), None, 4))  # type: ignore[arg-type]  # it stands in
    assert heads.find(data) is None


def test_no_more_is_kept_than_some() -> None:
    heads, head = Heads(), Head(Hot(), None, 4)  # type: ignore[arg-type]  # it stands in
    for place in range(3 * REMEMBERED + 1):
        heads.learn(HEAD + b"\r\nA: %d\r\n\r\nbody" % place, head)
        assert heads.find(HEAD + b"\r\nA: %d\r\n\r\nsame" % place) == (head, b"same")
    assert len(heads._known) <= REMEMBERED


def test_a_head_is_read_once_and_its_sender_is_looked_at_every_time() -> None:
    hot = Hot()

    async def come() -> None:
        async with connected(hot) as (reader, writer, read):
            for body in (b"1111", b"2222", b"3333"):
                writer.write(WHOLE[:-4] + body)
                assert await heard(reader) == (b"200", b'"%b"' % body)
            hot.lets_in = False
            writer.write(WHOLE)
            assert await heard(reader) == (b"403", b"{}")
            hot.lets_in = True
            other = WHOLE.replace(b"Host", b"Authorization: Bearer x\r\nHost")
            for body in (b"4444", b"5555"):
                writer.write(other[:-4] + body)
                assert await heard(reader) == (b"200", b'"%b"' % body)
            assert read == [b"/hot"] * 2
        assert hot.asked_by == [None] * 4 + ["Bearer x"] * 2

    asyncio.run(come())


def test_pieces_and_several_at_once_are_read_as_ever() -> None:
    async def come() -> None:
        async with connected(Hot()) as (reader, writer, read):
            writer.write(WHOLE)
            assert await heard(reader) == (b"200", b'"body"')
            for part in (WHOLE[:20], WHOLE[20:-2], WHOLE[-2:]):
                writer.write(part)
                await asyncio.sleep(0.02)
            assert await heard(reader) == (b"200", b'"body"')
            assert len(read) == 2
            # What follows before an answer waits for its turn, the common way.
            writer.write(WHOLE)
            assert await heard(reader) == (b"200", b'"body"')
            assert len(read) == 2

    asyncio.run(come())


@pytest.mark.parametrize("said", [b"Connection: close", b"traceparent: 00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-00"])
def test_a_head_that_means_more_is_not_remembered(said: bytes) -> None:
    hot = Hot()
    hot.let_in = lambda *_: NOBODY  # type: ignore[method-assign]  # a trace is told
    known = Heads()

    async def come() -> None:
        async with connected(hot, known) as (reader, writer, _):
            writer.write(HEAD + b"\r\n" + said + b"\r\n\r\nbody")
            assert await heard(reader) == (b"200", b'"body"')
            assert not known._known

    asyncio.run(come())


def test_an_idle_connection_is_closed_after_its_last_answer_not_its_first() -> None:
    async def come() -> tuple[float, float]:
        async with connected(Hot()) as (reader, writer, read):
            begun = time.monotonic()
            while time.monotonic() - begun < 2 * IDLE_SECONDS:
                writer.write(WHOLE)
                assert await heard(reader) == (b"200", b'"body"')
                await asyncio.sleep(IDLE_SECONDS / 4)
            last = time.monotonic()
            assert await asyncio.wait_for(reader.read(), 5) == b""
            assert len(read) == 1
            return last - begun, time.monotonic() - last

    busy, idle = asyncio.run(come())
    assert busy >= 2 * IDLE_SECONDS
    assert idle > IDLE_SECONDS / 2


def test_who_waits_longer_than_that_for_an_answer_is_not_hung_up_on() -> None:
    hot = Hot()

    async def come() -> None:
        async with connected(hot) as (reader, writer, _):
            writer.write(WHOLE)
            assert await heard(reader) == (b"200", b'"body"')
            hot.seconds = 2 * IDLE_SECONDS
            for _ in range(2):
                writer.write(WHOLE)
                assert await heard(reader) == (b"200", b'"body"')
            assert await asyncio.wait_for(reader.read(), 5) == b""

    asyncio.run(come())
