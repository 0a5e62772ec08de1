"""The addresses under which the operating point is looked at and turned: they only translate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import perf_counter
from typing import TypeVar

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from models.errors import BadInput, Refusal, shown
from models.turn import RULES, Setting, setting_refused
from models.value import Value
from serving.access import Access, Person, Role
from serving.drawing import LIMITS, PROBABILITY, Drawing, GroupTable, drawing, groups_at
from serving.gate import Gate
from serving.live import Live
from serving.messages import body
from serving.once import check_once
from serving.points import History, LivePoint, LivePoints, Preview, Proposal, RollBack
from serving.refusals import STATUSES, NotJson, WrongMethod, refuse
from serving.tally import TALLY
from serving.who import Who

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


class Turning:
    """The operations on the live points of some endpoints."""

    def __init__(self, live: Live, access: Access, *, max_bytes: int) -> None:
        self.live = live
        self.gate = Gate(access)
        self.max_bytes = max_bytes

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every address."""
        points, one = "/operating-points", "/operating-points/{endpoint}"
        return (
            Operation("GET", points, "The live operating point of every model.", self._all, LivePoints),
            Operation("GET", one, "The live operating point of a model.", self._one, LivePoint),
            Operation(
                "PUT", one, "Turn the live operating point of a model.", self._put, LivePoint, Proposal, role="tune"
            ),
            Operation(
                "POST",
                f"{one}/preview",
                "What a setting would mean, without a change.",
                self._preview,
                Preview,
                Setting,
            ),
            Operation(
                "POST",
                f"{one}/roll-back",
                "Return to an earlier live operating point.",
                self._roll_back,
                LivePoint,
                RollBack,
                role="tune",
            ),
            Operation(
                "GET",
                f"{one}/history",
                "All changes of the live point, verified.",
                self._history,
                History,
                lookers=READERS,
            ),
            Operation("GET", "/who", "Whom your token names, and what they may do.", self._who, Who, lookers=()),
            Operation(
                "GET",
                "/models/{endpoint}",
                "Curves and figures of a model.",
                self._drawing,
                Drawing,
                query=(("prevalence", False),),
            ),
            Operation(
                "GET",
                "/models/{endpoint}/groups",
                "What a pair of thresholds does for each subgroup.",
                self._groups,
                GroupTable,
                query=(("threshold", True), ("clear_below", True), ("prevalence", False)),
            ),
        )

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

    async def _who(self, request: Request) -> Who:
        return Who.of(request.state.person)

    async def _all(self, request: Request) -> LivePoints:
        return LivePoints(
            models=tuple([await run_in_threadpool(self._described, name, request) for name in self.live.scorers])
        )

    async def _one(self, request: Request) -> LivePoint:
        return await run_in_threadpool(self._described, request.path_params["endpoint"], request)

    def _described(self, endpoint: str, request: Request) -> LivePoint:
        point, person = self.live.describe(endpoint, self.live.now(endpoint)), request.state.person
        return point if person is None or person.has(*READERS) else point.without_names()

    async def _preview(self, request: Request) -> Preview:
        asked = await self._read(request, Setting)
        setting = Setting.told(asked.operating_point, asked.prevalence)
        return await run_in_threadpool(self.live.preview, request.path_params["endpoint"], setting)

    async def _put(self, request: Request) -> LivePoint:
        by, endpoint = request.state.person.name, request.path_params["endpoint"]
        asked = await self._read(request, Proposal)
        now = await run_in_threadpool(
            self.live.change,
            endpoint,
            asked.setting,
            version_seen=asked.version,
            by=by,
            reason=asked.reason,
            bundle=asked.bundle,
        )
        return self.live.describe(endpoint, now)

    async def _roll_back(self, request: Request) -> LivePoint:
        by, endpoint = request.state.person.name, request.path_params["endpoint"]
        asked = await self._read(request, RollBack)
        now = await run_in_threadpool(
            self.live.roll_back,
            endpoint,
            asked.to,
            version_seen=asked.version,
            by=by,
            reason=asked.reason,
            bundle=asked.bundle,
        )
        return self.live.describe(endpoint, now)

    async def _history(self, request: Request) -> History:
        return await run_in_threadpool(self.live.history, request.path_params["endpoint"])

    async def _drawing(self, request: Request) -> Drawing:
        endpoint = request.path_params["endpoint"]
        scorer = self.live.scorer(endpoint)
        return await run_in_threadpool(drawing, scorer, endpoint, _number(request, "prevalence"))

    async def _groups(self, request: Request) -> GroupTable:
        scorer = self.live.scorer(request.path_params["endpoint"])
        threshold, clear_below = (_number(request, name) for name in LIMITS)
        if threshold is None or clear_below is None:
            missing = [name for name in LIMITS if name not in request.query_params]
            raise BadInput([Refusal(name, PROBABILITY, "nothing") for name in missing])
        prevalence = _number(request, "prevalence")
        return groups_at(scorer, threshold=threshold, clear_below=clear_below, prevalence=prevalence)

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


def _number(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    try:
        return None if text is None else float(text)
    except ValueError:
        raise BadInput([Refusal(name, "should be a number", shown(text))]) from None
