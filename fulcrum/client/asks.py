"""What is asked at each address of a service, and how its answer is read; nothing here sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from fulcrum.client import tables
from fulcrum.client.answers import ColumnsReply, Reply, check_count
from fulcrum.client.cells import Columns, Point, Row, listed, named, written
from fulcrum.client.drawings import Drawing, GroupTable
from fulcrum.client.pathway import PathwayReply
from fulcrum.client.points import History, LivePoint, LivePoints, Preview
from fulcrum.client.tables import AnyTable, TableReply

AnyAnswer = TypeVar("AnyAnswer")
JSON = "application/json"


@dataclass(frozen=True)
class Ask(Generic[AnyAnswer]):
    """One request.

    `read` makes the answer of a body, or raises ValueError. What `changes` something is sent again only if the service
    has not touched it. `otherwise` is the answer of a service that can not be reached; None raises.
    """

    method: str
    path: str
    read: Callable[[bytes], AnyAnswer]
    content: bytes = field(default=b"", repr=False)  # of patients
    kind: str = JSON
    query: Mapping[str, str] = field(default_factory=dict)
    changes: bool = False
    otherwise: AnyAnswer | None = None

    @property
    def http(self) -> dict[str, Any]:
        """The request as httpx takes it."""
        content = {"content": self.content, "headers": {"content-type": self.kind}} if self.content else {}
        return {"method": self.method, "url": self.path, "params": self.query, **content}


def scored(model: str, rows: Sequence[Row], operating_point: Point, prevalence: float | None) -> Ask[Reply]:
    """Rows to a model."""
    people = listed(rows)
    content = written({"rows": people, **_setting(operating_point, prevalence)})

    def read(body: bytes) -> Reply:
        reply = Reply.model_validate_json(body)
        check_count(len(reply.rows), len(people))
        return reply

    return Ask("POST", f"/{_step(model)}", read, content)


def columns(model: str, people: Columns, operating_point: Point, prevalence: float | None) -> Ask[ColumnsReply]:
    """Columns to a model."""
    content = written({"columns": named(people), **_setting(operating_point, prevalence)})
    # What is no list, or longer than another, is refused by the service.
    rows = max((len(cells) for cells in people.values() if isinstance(cells, Sized)), default=0)

    def read(body: bytes) -> ColumnsReply:
        reply = ColumnsReply.model_validate_json(body)
        check_count(len(reply.columns.decision), rows)
        return reply

    return Ask("POST", f"/{_step(model)}/columns", read, content)


def table(
    model: str, people: AnyTable, operating_point: str | float | None, prevalence: float | None
) -> Ask[TableReply[AnyTable]]:
    """A table to a model."""
    sent = tables.sent(people)
    query = {name: _text(value) for name, value in _setting(operating_point, prevalence).items()}
    read = partial(tables.reply, sent)
    return Ask("POST", f"/{_step(model)}/table", read, sent.content, kind=sent.kind, query=query)


def pathway(rows: Sequence[Row], prevalence: float | None) -> Ask[PathwayReply]:
    """Rows to both models."""
    people = listed(rows)
    content = written({"rows": people, **_setting(None, prevalence)})

    def read(body: bytes) -> PathwayReply:
        reply = PathwayReply.model_validate_json(body)
        check_count(len(reply.rows), len(people))
        return reply

    return Ask("POST", "/pathway", read, content)


def points() -> Ask[tuple[LivePoint, ...]]:
    """The live point of every model."""
    return Ask("GET", "/operating-points", lambda body: LivePoints.model_validate_json(body).models)


def point(model: str) -> Ask[LivePoint]:
    """The live point of a model."""
    return Ask("GET", _point(model), LivePoint.model_validate_json)


def preview(model: str, operating_point: Point, prevalence: float | None) -> Ask[Preview]:
    """What a setting would mean."""
    content = written(_setting(operating_point, prevalence))
    return Ask("POST", f"{_point(model)}/preview", Preview.model_validate_json, content)


def turn(model: str, operating_point: Point, prevalence: float | None, reason: str, version: int) -> Ask[LivePoint]:
    """A change of the live point."""
    content = written({**_setting(operating_point, prevalence), "reason": reason, "version": version})
    return Ask("PUT", _point(model), LivePoint.model_validate_json, content, changes=True)


def roll_back(model: str, to: int, reason: str, version: int) -> Ask[LivePoint]:
    """A return to an earlier live point."""
    content = written({"to": to, "reason": reason, "version": version})
    return Ask("POST", f"{_point(model)}/roll-back", LivePoint.model_validate_json, content, changes=True)


def history(model: str) -> Ask[History]:
    """All changes of the live point of a model."""
    return Ask("GET", f"{_point(model)}/history", History.model_validate_json)


def drawing(model: str, prevalence: float | None) -> Ask[Drawing]:
    """Curves and figures of a model."""
    query = {name: _text(value) for name, value in _setting(None, prevalence).items()}
    return Ask("GET", f"/models/{_step(model)}", Drawing.model_validate_json, query=query)


def groups(model: str, threshold: float, clear_below: float, prevalence: float | None) -> Ask[GroupTable]:
    """What a pair of thresholds does for each subgroup."""
    asked = {"threshold": threshold, "clear_below": clear_below, **_setting(None, prevalence)}
    query = {name: _text(value) for name, value in asked.items()}
    return Ask("GET", f"/models/{_step(model)}/groups", GroupTable.model_validate_json, query=query)


def probe(name: str) -> Ask[bool]:
    """Whether the service says so of itself."""
    return Ask("GET", f"/{name}", lambda _: True, otherwise=False)


def _point(model: str) -> str:
    return f"/operating-points/{_step(model)}"


def _step(name: str) -> str:
    return quote(name, safe="")


def _setting(operating_point: Point, prevalence: float | None) -> dict[str, Any]:
    asked = {"operating_point": operating_point, "prevalence": prevalence}
    return {name: value for name, value in asked.items() if value is not None}


def _text(value: str | float) -> str:
    """A setting in a query; a number with all its digits, numpy's too."""
    return value if isinstance(value, str) else repr(float(value))
