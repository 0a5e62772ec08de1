"""What is refused before a request is read, and what is counted of every request that goes the common way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from types import MappingProxyType

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import FulcrumError, Refusal, shown
from serving.asker import ASKER, Asker
from serving.gate import Gate
from serving.refusals import STATUSES, NoEndpoint, WrongMethod, WrongType, refuse
from serving.tally import TALLY

JSON = "application/json"


class Doorway:
    """Lets in who may ask, and only what is posted in a format that an address of `takes` takes.

    Other addresses are not looked at. BentoML would read any body as JSON, whatever its content type says, and refuse
    in several shapes.
    """

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        takes: Mapping[str, tuple[str, ...]],
        names: Mapping[str, str] = MappingProxyType({}),
        known_as: Callable[[str], str] = str,
    ) -> None:
        self.app = app
        self.gate = gate
        self.takes = takes
        # Under which address of `takes` another one is known.
        self.known_as = known_as
        # Of which endpoint an address is, where that is not how it begins.
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI has it."""
        path = self.known_as(scope["path"]) if scope["type"] == "http" else ""
        if not path.isprintable():
            # None of the applications behind would know it, and the outermost says so in words of its own.
            await refuse(NoEndpoint([Refusal("address", "should hold no line break or the like", shown(path))]))(
                scope, receive, send
            )
            return
        if path not in self.takes:
            await self.app(scope, receive, send)
            return
        begun, refused = perf_counter(), self._refusal(scope, self.takes[path])
        endpoint = self.names.get(path) or path.split("/")[1]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                TALLY.answered(endpoint, message["status"], perf_counter() - begun)
            await send(message)

        await (refuse(refused) if refused else self.app)(scope, receive, sent)

    def _refusal(self, scope: Scope, kinds: tuple[str, ...]) -> FulcrumError | None:
        # OPTIONS asks about an endpoint, not of it: a browser does so first, and BentoML answers it where allowed.
        if scope["method"] not in {"POST", "OPTIONS"}:
            return WrongMethod([Refusal("method", "should be POST", scope["method"])])
        if scope["method"] == "OPTIONS":
            return None
        headers, server = Headers(scope=scope), scope.get("server")
        try:
            person = self.gate.let_in(headers.get("authorization"), server[0] if server else None)
        except tuple(STATUSES) as error:
            return error
        # Of this request alone, which has a context of its own.
        ASKER.set(Asker.of(person.name if person else None, headers.get("traceparent")))
        got = headers.get("content-type", JSON if JSON in kinds else "")
        if got.partition(";")[0].strip().lower() not in kinds:
            return WrongType([Refusal("content-type", f"should be {' or '.join(kinds)}", got or "an empty one")])
        return None
