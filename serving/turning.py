"""The addresses under which the operating point is looked at and turned: they only translate."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from models.errors import BadInput, Refusal, shown
from models.turn import Setting
from serving.drawing import LIMITS, PROBABILITY, Drawing, GroupTable, drawing, groups_at
from serving.gate import Gate
from serving.live import Live
from serving.operations import READERS, Operation, Operations
from serving.points import History, LivePoint, LivePoints, Preview, Proposal, RollBack
from serving.who import Who


class Turning(Operations):
    """The operations on the live points of some endpoints."""

    def __init__(self, live: Live, gate: Gate, *, max_bytes: int) -> None:
        super().__init__(gate, max_bytes=max_bytes)
        self.live = live

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


def _number(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    try:
        return None if text is None else float(text)
    except ValueError:
        raise BadInput([Refusal(name, "should be a number", shown(text))]) from None
