"""Addresses at which people look at something or change it: who may, how a body is read, and how it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from models.errors import BadInput, Refusal, shown
from models.turn import RULES, setting_refused
from models.value import Value
from serving.access import Person, Role
from serving.gate import Gate
from serving.messages import body
from serving.once import check_once
from serving.refusals import STATUSES, NotJson, WrongMethod, refuse
from serving.tally import TALLY

AnyValue = TypeVar("AnyValue", bound=Value)
Answer = Callable[[Request], Awaitable[Value]]
# To whom a history is shown, and with it the names of people and their reasons.
READERS: tuple[Role, ...] = ("audit", "tune")


@dataclass(frozen=True)
class Operation:
    """One address: how it is asked, by whom, and with what it answers. `/docs.json` says the same.

    `role` is what it takes to change something, which nobody does without a name. To look takes one of `lookers`, or
    nothing where nobody is known; without any, to be known is enough.
    """

    method: str
    path: str
    summary: str
    answer: Answer
    reply: type[Value]
    request: type[Value] | None = None
    role: Role | None = None
    lookers: tuple[Role, ...] = ("predict", *READERS)
    query: tuple[tuple[str, bool], ...] = ()


class Operations(ABC):
    """Some operations, each for whom it is meant for; bodies are read up to `max_bytes`."""

    def __init__(self, gate: Gate, *, max_bytes: int) -> None:
        self.gate = gate
        self.max_bytes = max_bytes

    @property
    @abstractmethod
    def operations(self) -> tuple[Operation, ...]:
        """Every address."""

    @property
    def routes(self) -> list[Route]:
        """The addresses as Starlette takes them."""
        return [Route(each.path, partial(self._answer, each), methods=[each.method]) for each in self.operations]

    async def _answer(self, operation: Operation, request: Request) -> Response:
        """Answer a request of somebody who may, or say why not; either is counted."""
        begun = perf_counter()
        try:
            request.state.person = self._let_in(operation, request)
            response = Response((await operation.answer(request)).model_dump_json(), media_type="application/json")
        except tuple(STATUSES) as error:
            response = refuse(error)
        TALLY.answered(operation.path.split("/")[1], response.status_code, perf_counter() - begun)
        return response

    def _let_in(self, operation: Operation, request: Request) -> Person | None:
        authorization, server = request.headers.get("authorization"), request.scope.get("server")
        if operation.role:
            return self.gate.named(authorization, operation.role)
        return self.gate.look_in(authorization, server[0] if server else None, *operation.lookers)

    async def _read(self, request: Request, kind: type[AnyValue]) -> AnyValue:
        sent = await body(request, self.max_bytes)
        try:
            read = kind.model_validate_json(sent, strict=True)
        except ValidationError as error:
            details = error.errors(include_url=False)
            if details[0]["type"] == "json_invalid":
                raise NotJson([Refusal("body", "should be JSON", str(details[0]["ctx"]["error"]))]) from None
            others = [
                Refusal(".".join(map(str, each["loc"])) or "body", each["msg"], shown(each["input"]))
                for each in details
                if not each["loc"] or each["loc"][0] not in RULES
            ]
            raise BadInput([*setting_refused(error), *others]) from None
        check_once(sent)
        return read


async def _wrong_method(request: Request, error: Exception) -> Response:
    """A method that an address does not answer to, in the shape of every refusal."""
    del error  # It names the methods of one route; an address may have several.
    here = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    # A file of the page lies behind a mount, where none of these routes is met any more.
    allowed = ", ".join(sorted({method for route in here for method in route.methods}) or FILE_METHODS)
    response = refuse(WrongMethod([Refusal("method", f"should be {allowed}", request.method)]))
    response.headers["Allow"] = allowed
    return response


FILE_METHODS = ("GET", "HEAD")
HANDLERS = {HTTPStatus.METHOD_NOT_ALLOWED: _wrong_method}
