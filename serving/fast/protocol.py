"""HTTP on hot routes, answered before there is a scope, a task or a middleware for each request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from models.errors import FulcrumError, Refusal
from serving import doorway
from serving.asker import NOBODY
from serving.fast.heads import Head, Heads
from serving.fast.patience import Patience
from serving.fast.routes import Route
from serving.leaving import Leaving
from serving.refusals import Answer, HeadTooLarge, TooBusy, TooLarge, TooSlow, refusal

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

TYPE, LENGTH, AUTHORIZATION, TRACE = b"content-type", b"content-length", b"authorization", b"traceparent"
JSON = doorway.JSON.encode()
# What asks for more than an answer goes the common way: a browser of another origin, a client that waits to be told
# to send its body, an upgrade.
COMMON = frozenset({b"origin", b"expect", b"upgrade"})
# So does a request whose caller records a trace: BentoML's stack makes the spans. Source: W3C Trace Context, level 1.
SAMPLED = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf](-|$)")
# Of a line and headers that are not there to their end; no client of a model needs a tenth of it.
MOST_HEAD_BYTES = 1 << 16
STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with a way of its own for JSON that is posted to a hot route.

    One such request of a connection is answered at a time; any that follows it before its answer, or that is anything
    else, goes uvicorn's way, which waits for its turn.
    """

    # Of this process: the hot routes, by their path as it stands in a request, and what is allowed.
    routes: ClassVar[dict[bytes, Route]] = {}
    patience: ClassVar[Patience] = Patience(30.0)
    most_connections: ClassVar[int] = 1000
    leaving: ClassVar[Leaving] = Leaving(0)
    heads: ClassVar[Heads] = Heads()

    asked: Asked | None = None
    # Whom uvicorn answers; of several on a connection it knows only the last one that was asked.
    answered: RequestResponseCycle | None = None
    # What the head of the last request said, where it may be remembered.
    said: Head | None = None
    # When the last answer was given, on the clock of the loop.
    idle_since = 0.0
    # Whether a request has begun and is not there to its end; and while its head is not, how much of it came after the
    # bytes in which it began.
    arriving = False
    head_bytes: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent does
        """Somebody is there, who may keep silent for a while only."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self._end(TooBusy(f"connections: should be at most {self.most_connections} at once, got more."))
        else:
            self.patience.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self.patience.end(self)
        if self.answered is not None and not self.answered.response_complete:
            self.answered.disconnected = True
            self.answered.message_event.set()
        super().connection_lost(exc)

    def too_slow(self) -> None:
        """End a request that is not there yet."""
        rule = f"should be there within {self.patience.seconds:g} seconds"
        self._end(TooSlow([Refusal("request", rule, "nothing, or a part of it")]))

    def data_received(self, data: bytes) -> None:
        """Some bytes are there: a request whose head is known, or whatever else."""
        begins = not self.arriving and self._is_free()
        known = self.heads.find(data) if begins else None
        if known is None:
            self.said = None
            if self.head_bytes is not None:
                self.head_bytes += len(data)
            super().data_received(data)
            self._look_at_the_head(data, begins=begins)
            return
        (route, authorization, size), body = known
        self.patience.end(self)
        asked = self._begin(route, keep_alive=True)
        if asked.let_in(authorization, size, None):
            route.ask(body, asked.tell, asked.asker)

    def on_message_begin(self) -> None:
        """A request begins: only what its line and headers are kept in is made new."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self.asked = self.said = None
        self.arriving = True
        self.head_bytes = 0
        self.patience.begin(self)

    def on_headers_complete(self) -> None:
        """Its headers are there: which way does it go?"""
        self.head_bytes = None
        route = self.routes.get(self.url)
        if route is None or not self._is_plain(headers := dict(self.headers)):
            self._go_the_common_way()
            return
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        authorization, trace = (_text(headers.get(name)) for name in (AUTHORIZATION, TRACE))
        size = headers.get(LENGTH)
        let_in = self._begin(route, keep_alive=keep_alive).let_in(authorization, int(size or 0), trace)
        if let_in and keep_alive and size is not None and trace is None:
            self.said = Head(route, authorization, int(size))

    def _begin(self, route: Route, *, keep_alive: bool) -> Asked:
        """A request to a hot route is what this connection answers now."""
        self.cycle = self.asked = asked = Asked(self, route, keep_alive=keep_alive)  # type: ignore[assignment]  # it stands in
        return asked

    def _go_the_common_way(self) -> None:
        """Let uvicorn begin, and hand over what was heard so far."""
        url, expects, headers = self.url, self.expect_100_continue, self.headers
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answered = cycle
        super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        """A part of its body is there."""
        if self.asked is None:
            super().on_body(body)
        else:
            self.asked.take(body)

    def on_message_complete(self) -> None:
        """It is there to its end."""
        self.arriving = False
        self.patience.end(self)
        if self.asked is None:
            super().on_message_complete()
            if self.leaving.begun and not self.pipeline:
                self.cycle.keep_alive = False
        else:
            self.asked.end()

    def on_response_complete(self) -> None:
        """One is answered: on to the next, which is read only if nothing waits here, to be answered or to be taken.

        uvicorn reads on as soon as one of many on a connection is answered, however many wait behind it: a client that
        asks and never reads could fill the memory.
        """
        if self.leaving.begun and len(self.pipeline) == 1:
            self.pipeline[0][0].keep_alive = False
        self.idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None or self.pipeline:
            super().on_response_complete()
        else:
            # The clock of an idle connection still runs, and looks at `idle_since` when it rings.
            self.server_state.total_requests += 1
        if self.pipeline or self.flow.write_paused:
            self.flow.pause_reading()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for so long; one that was asked meanwhile gets the rest of its time."""
        self.timeout_keep_alive_task = None
        if not self._is_free():
            return
        rest = self.idle_since + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self.timeout_keep_alive_task = self.loop.call_later(rest, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def resume_writing(self) -> None:
        """Who asks has read what was written: they may ask on."""
        super().resume_writing()
        if not self.pipeline and (self.cycle is None or self.cycle.response_complete):
            self.flow.resume_reading()

    def shutdown(self) -> None:
        """Nobody is let in any more: what has begun to arrive here is answered, if it is taken in time, and no more."""
        self.leaving.begun = True
        self.loop.call_later(self.patience.seconds, self.transport.abort)
        if not self.arriving and not self.pipeline:
            super().shutdown()

    def tell(self, answer: Answer, *, keep_alive: bool) -> None:
        """Write an answer, and go on to what follows."""
        keep_alive = keep_alive and (bool(self.pipeline) or not self.leaving.begun)
        if not self.transport.is_closing():
            self.transport.write(_as_http(answer, self.server_state, keep_alive=keep_alive))
            if not keep_alive:
                self.transport.close()
        self.on_response_complete()

    def _end(self, error: FulcrumError) -> None:
        """Close the connection, and say why where nothing else is being said."""
        if self.cycle is None or self.cycle.response_complete or self.asked is not None:
            self.transport.write(_as_http(refusal(error), self.server_state, keep_alive=False))
        self.transport.close()

    def _look_at_the_head(self, data: bytes, *, begins: bool) -> None:
        """Remember what it said if its request was there as one; end it if it does not end."""
        if begins and self.said is not None and not self.arriving:
            self.heads.learn(data, self.said)
        if (self.head_bytes or 0) > MOST_HEAD_BYTES and not self.transport.is_closing():
            rule = f"should have a line and headers of at most {MOST_HEAD_BYTES} bytes"
            self._end(HeadTooLarge([Refusal("request", rule, "more")]))

    def _is_free(self) -> bool:
        """Whether nobody on this connection waits for an answer."""
        return self.cycle is None or self.cycle.response_complete

    def _is_plain(self, headers: Mapping[bytes, bytes]) -> bool:
        return (
            self._is_free()
            and self.parser.get_method() == b"POST"
            and headers.get(TYPE, JSON).partition(b";")[0].strip().lower() == JSON
            and COMMON.isdisjoint(headers)
            and not SAMPLED.match(headers.get(TRACE, b""))
        )


class Asked:
    """A request to a hot route, which stands where uvicorn has its cycle of request and response."""

    __slots__ = ("_parts", "_protocol", "_route", "_size", "asker", "disconnected", "keep_alive", "response_complete")

    def __init__(self, protocol: Protocol, route: Route, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.asker = NOBODY
        self.response_complete = False
        self.disconnected = False
        self._protocol = protocol
        self._route = route
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def message_event(self) -> Asked:
        """What uvicorn sets when a connection is lost; nobody waits for it here."""
        return self

    def set(self) -> None:
        """Nobody waits."""

    def let_in(self, authorization: str | None, size: int, trace: str | None) -> bool:
        """Whether who asks may; else they are told why not."""
        server = self._protocol.server
        found = self._route.let_in(authorization, server[0] if server else None, size, trace)
        if isinstance(found, Answer):
            self.tell(found)
            return False
        self.asker = found
        return True

    def take(self, part: bytes) -> None:
        """A part of the body; what comes after an answer is not kept."""
        if self.response_complete:
            return
        self._parts.append(part)
        self._size += len(part)
        try:
            self._route.check_size(self._size)
        except TooLarge as error:
            self.tell(self._route.refused(error))

    def end(self) -> None:
        """The body is there to its end."""
        if not self.response_complete:
            self._route.ask(b"".join(self._parts), self.tell, self.asker)

    def tell(self, answer: Answer) -> None:
        """Answer, and keep nothing of what was sent."""
        self.response_complete = True
        self._parts = []
        self._protocol.tell(answer, keep_alive=self.keep_alive)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _as_http(answer: Answer, state: ServerState, *, keep_alive: bool) -> bytes:
    status, body, more = answer
    head = b"%bcontent-type: application/json\r\ncontent-length: %d\r\n" % (STATUS[status], len(body))
    if more or not keep_alive:
        lines = [f"{name}: {value}\r\n" for name, value in more.items()] + ["connection: close\r\n"] * (not keep_alive)
        head += "".join(lines).encode("latin-1")
    return b"%b%b\r\n%b" % (head, _shared(state), body)


def _shared(state: ServerState) -> bytes:
    """The headers that all answers of this second share, among them the date."""
    global SHARED  # noqa: PLW0603  # of this process, as the clock is
    headers, written = SHARED
    if headers is not state.default_headers:
        headers = state.default_headers
        written = b"".join([b"%b: %b\r\n" % pair for pair in headers])
        SHARED = headers, written
    return written


# uvicorn makes a new list every second: that one, and how it is written.
SHARED: tuple[list[tuple[bytes, bytes]] | None, bytes] = None, b""
