"""The client for programs that wait."""

from __future__ import annotations

import ssl
import time
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


class Client:
    """A service that is asked, and waited for.

    Whatever is asked is answered within about `timeout` seconds, or raises one of the ServiceErrors. What only asks is
    sent again, `retries` times at most, where the service said when, or where a connection failed; a change only if
    the service has not touched it. May be used by several threads.

    >>> here = httpx.MockTransport(lambda request: httpx.Response(200))  # in place of a service
    >>> with Client("http://127.0.0.1:3000", token="secret", transport=here) as service:
    ...     service.ready()
    True
    >>> service
    Client('http://127.0.0.1:3000')
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 2,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._service = Service.at(url, timeout=timeout, retries=retries)
        self._http = httpx.Client(transport=transport, **self._service.options(token, verify))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._service.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def screen(self, rows: Sequence[Row], operating_point: Point = None, prevalence: float | None = None) -> Reply:
        """Who needs to be looked at further: one answer a row, at the live point, or at one of its own."""
        return self._ask(asks.scored("screen", rows, operating_point, prevalence))

    def presurgical(self, rows: Sequence[Row], operating_point: Point = None, prevalence: float | None = None) -> Reply:
        """Who is surely sick: one answer a row."""
        return self._ask(asks.scored("presurgical", rows, operating_point, prevalence))

    def columns(
        self, model: str, columns: Columns, operating_point: Point = None, prevalence: float | None = None
    ) -> ColumnsReply:
        """Ask a model of a table by column: one list of cells a column, all of one length."""
        return self._ask(asks.columns(model, columns, operating_point, prevalence))

    def table(
        self, model: str, table: AnyTable, operating_point: str | float | None = None, prevalence: float | None = None
    ) -> TableReply[AnyTable]:
        """Ask a model with a whole table, and be answered with one of its kind.

        It may be an Arrow stream or a Parquet file as bytes, a pyarrow.Table or a polars.DataFrame.
        """
        return self._ask(asks.table(model, table, operating_point, prevalence))

    def pathway(self, rows: Sequence[Row], prevalence: float | None = None) -> PathwayReply:
        """Ask both models, one after the other: clear, refer or operate."""
        return self._ask(asks.pathway(rows, prevalence))

    def points(self) -> tuple[LivePoint, ...]:
        """The live operating point of every model."""
        return self._ask(asks.points())

    def point(self, model: str) -> LivePoint:
        """The live operating point of a model."""
        return self._ask(asks.point(model))

    def preview(self, model: str, operating_point: Point, prevalence: float | None = None) -> Preview:
        """What a setting would mean, and whether it may become the live point; nothing is changed."""
        return self._ask(asks.preview(model, operating_point, prevalence))

    def turn(
        self, model: str, operating_point: Point, prevalence: float | None = None, *, reason: str, version: int
    ) -> LivePoint:
        """Turn the live operating point, decided on the live `version`; None is as released.

        Raises Moved if somebody was first, Unsure if it is not known whether it was turned.
        """
        return self._ask(asks.turn(model, operating_point, prevalence, reason, version))

    def roll_back(self, model: str, to: int, *, reason: str, version: int) -> LivePoint:
        """Return to the live point of an earlier version, 0 as released, as a new change. Raises what `turn` does."""
        return self._ask(asks.roll_back(model, to, reason, version))

    def history(self, model: str) -> History:
        """All changes of the live point of a model, verified."""
        return self._ask(asks.history(model))

    def drawing(self, model: str, prevalence: float | None = None) -> Drawing:
        """Curves and figures of a model, and the columns that it takes."""
        return self._ask(asks.drawing(model, prevalence))

    def groups(self, model: str, threshold: float, clear_below: float, prevalence: float | None = None) -> GroupTable:
        """What a pair of thresholds does for each subgroup."""
        return self._ask(asks.groups(model, threshold, clear_below, prevalence))

    def live(self) -> bool:
        """Whether the service is there; False where it can not be reached."""
        return self._ask(asks.probe("livez"))

    def ready(self) -> bool:
        """Whether the service can answer; False where it can not be reached."""
        return self._ask(asks.probe("readyz"))

    def _ask(self, ask: Ask[AnyAnswer]) -> AnyAnswer:
        attempts = self._service.attempts(ask)
        while isinstance(step := attempts.after(self._send(attempts)), float):
            time.sleep(step)
        return step.answer

    def _send(self, attempts: Attempts[AnyAnswer]) -> Heard | httpx.RequestError:
        body = bytearray()
        try:
            with self._http.stream(**attempts.http) as response:
                for part in response.iter_bytes():
                    body += part
                    attempts.check_time()
        except httpx.RequestError as error:
            return error
        return Heard(response.status_code, response.headers, bytes(body))
