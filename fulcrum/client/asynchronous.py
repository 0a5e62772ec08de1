"""The client for programs of asyncio."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx

from fulcrum.client import asks
from fulcrum.client.answers import ColumnsReply, Reply
from fulcrum.client.asks import Ask
from fulcrum.client.attempts import Attempts, Heard
from fulcrum.client.cells import Columns, Point, Row
from fulcrum.client.drawings import Drawing, GroupTable
from fulcrum.client.pathway import PathwayReply
from fulcrum.client.points import History, LivePoint, Preview
from fulcrum.client.service import Service
from fulcrum.client.tables import AnyTable, TableReply

AnyAnswer = TypeVar("AnyAnswer")


class AsyncClient:
    """A service that is asked, and awaited: what `Client` is, method for method, and may be used by many tasks.

    >>> here = httpx.MockTransport(lambda request: httpx.Response(200))  # in place of a service
    >>> async def ready() -> bool:
    ...     async with AsyncClient("http://127.0.0.1:3000", transport=here) as service:
    ...         return await service.ready()
    >>> asyncio.run(ready())
    True
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 30.0,  # of each request, as httpx has it
        retries: int = 2,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._service = Service.at(url, timeout=timeout, retries=retries)
        self._http = httpx.AsyncClient(transport=transport, **self._service.options(token, verify))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._service.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def screen(
        self, rows: Sequence[Row], operating_point: Point = None, prevalence: float | None = None
    ) -> Reply:
        return await self._ask(asks.scored("screen", rows, operating_point, prevalence))

    async def presurgical(
        self, rows: Sequence[Row], operating_point: Point = None, prevalence: float | None = None
    ) -> Reply:
        return await self._ask(asks.scored("presurgical", rows, operating_point, prevalence))

    async def columns(
        self, model: str, columns: Columns, operating_point: Point = None, prevalence: float | None = None
    ) -> ColumnsReply:
        return await self._ask(asks.columns(model, columns, operating_point, prevalence))

    async def table(
        self, model: str, table: AnyTable, operating_point: str | float | None = None, prevalence: float | None = None
    ) -> TableReply[AnyTable]:
        return await self._ask(asks.table(model, table, operating_point, prevalence))

    async def pathway(self, rows: Sequence[Row], prevalence: float | None = None) -> PathwayReply:
        return await self._ask(asks.pathway(rows, prevalence))

    async def points(self) -> tuple[LivePoint, ...]:
        return await self._ask(asks.points())

    async def point(self, model: str) -> LivePoint:
        return await self._ask(asks.point(model))

    async def preview(self, model: str, operating_point: Point, prevalence: float | None = None) -> Preview:
        return await self._ask(asks.preview(model, operating_point, prevalence))

    async def turn(
        self, model: str, operating_point: Point, prevalence: float | None = None, *, reason: str, version: int
    ) -> LivePoint:
        return await self._ask(asks.turn(model, operating_point, prevalence, reason, version))

    async def roll_back(self, model: str, to: int, *, reason: str, version: int) -> LivePoint:
        return await self._ask(asks.roll_back(model, to, reason, version))

    async def history(self, model: str) -> History:
        return await self._ask(asks.history(model))

    async def drawing(self, model: str, prevalence: float | None = None) -> Drawing:
        return await self._ask(asks.drawing(model, prevalence))

    async def groups(
        self, model: str, threshold: float, clear_below: float, prevalence: float | None = None
    ) -> GroupTable:
        return await self._ask(asks.groups(model, threshold, clear_below, prevalence))

    async def live(self) -> bool:
        return await self._ask(asks.probe("livez"))

    async def ready(self) -> bool:
        return await self._ask(asks.probe("readyz"))

    async def _ask(self, ask: Ask[AnyAnswer]) -> AnyAnswer:
        attempts = self._service.attempts(ask)
        while isinstance(step := attempts.after(await self._send(attempts)), float):  # noqa: ASYNC110  # a pause
            await asyncio.sleep(step)
        return step.answer

    async def _send(self, attempts: Attempts[AnyAnswer]) -> Heard | httpx.RequestError:
        body = bytearray()
        try:
            async with self._http.stream(**attempts.http) as response:
                async for part in response.aiter_bytes():
                    body += part
                    attempts.check_time()
        except httpx.RequestError as error:
            return error
        return Heard(response.status_code, response.headers, bytes(body))
