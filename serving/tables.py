"""Whole tables over HTTP: Arrow or Parquet in, the answers in the same format out, scored as a file is."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models.errors import BadInput, Refusal, shown
from models.inputs import Inputs
from models.scorer import Scores
from models.turn import Setting
from serving.endpoint import Endpoint
from serving.live import Live
from serving.messages import body
from serving.now import Now
from serving.off_loop import off_loop
from serving.refusals import STATUSES, NotATable, TooLarge, refuse

if TYPE_CHECKING:
    import pyarrow as pa

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
# What a table may become in memory, in times of the bytes that it may have when it is sent.
GROWS = 20
# Kinds of messages of an Arrow stream.
DICTIONARY, RECORDS = 2, 3


@dataclass(frozen=True)
class Format:
    """How a table is read and written; `read` is told the most rows and the most bytes in memory."""

    read: Callable[[bytes, tuple[str, ...], int, int], pa.Table]
    write: Callable[[pa.Table], bytes]


class Tables:
    """The addresses at which models of tables are asked with whole tables: `/screen/table`."""

    def __init__(self, endpoints: Mapping[str, Endpoint], live: Live) -> None:
        self._endpoints = {name: each for name, each in endpoints.items() if each.columnar}
        self._live = live

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where they are."""
        return tuple(f"/{name}/table" for name in self._endpoints)

    @property
    def routes(self) -> list[Route]:
        """The addresses as Starlette takes them."""
        return [
            Route(address, self._asked(name), methods=["POST"])
            for address, name in zip(self.addresses, self._endpoints, strict=True)
        ]

    @property
    def paths(self) -> dict[str, Any]:
        """The addresses as OpenAPI describes them."""
        content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in FORMATS}
        parameters = [
            {"name": name, "in": "query", "required": False, "schema": {"type": kind}, "description": about.description}
            for name, kind in (("operating_point", "string"), ("prevalence", "number"))
            if (about := Setting.model_fields[name])
        ]
        return {
            address: {
                "post": {
                    "summary": f"{name}, asked with a table of its columns, answered with one.",
                    "description": "Other columns are not looked at. The answer says in its metadata, under `fulcrum`,"
                    " what replies in JSON say beside their rows.",
                    "parameters": parameters,
                    "requestBody": {"required": True, "content": content},
                    "responses": {200: {"description": "One row of answers a row.", "content": content}},
                }
            }
            for address, name in zip(self.addresses, self._endpoints, strict=True)
        }

    def _asked(self, name: str) -> Callable[[Request], Any]:
        endpoint = self._endpoints[name]

        async def answer(request: Request) -> Response:
            try:
                asked = _setting(request)
                sent = await body(request, endpoint.messages.request.max_bytes)
                now = await self._live.soon(name)
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Response(await off_loop(_answer, endpoint, kind, sent, asked, now), media_type=kind)
            except tuple(STATUSES) as error:
                return refuse(error)

        return answer


def _answer(endpoint: Endpoint, kind: str, sent: bytes, asked: Setting, now: Now) -> bytes:
    from serving.chunk import Chunk, answers, score_chunk, scored_schema  # noqa: PLC0415  # with it comes Arrow

    at, version = endpoint.at(asked, now)
    edition = endpoint.answering(now)
    scorer, messages = edition.scorer, edition.messages
    format_, most = FORMATS[kind], GROWS * messages.request.max_bytes
    table = format_.read(sent, scorer.columns.asked, endpoint.max_rows, most)
    scored_schema(scorer.columns, answers(scorer.manifest), table.schema)
    judged: list[tuple[Inputs, Scores]] = []
    scored = score_chunk(scorer, Chunk(0, table), at=at, seen=lambda inputs, scores: judged.append((inputs, scores)))
    if scored.refused:
        raise BadInput(scored.refused)
    name = messages.names.new()
    endpoint.record(edition, name, *judged[0], version)
    counts = scored.counts
    endpoint.count(counts.positive, counts.negative, counts.indeterminate)
    found = scored.rows.select(answers(scorer.manifest))
    return format_.write(found.replace_schema_metadata({"fulcrum": messages.about(at, version, name)}))


def _setting(request: Request) -> Setting:
    unknown = [name for name in request.query_params if name not in Setting.model_fields]
    if unknown:
        known = " and ".join(Setting.model_fields)
        raise BadInput([Refusal(name, f"is not asked for here, but {known}", "one") for name in unknown])
    asked = request.query_params
    try:
        prevalence = float(asked["prevalence"]) if "prevalence" in asked else None
    except ValueError:
        raise BadInput([Refusal("prevalence", "should be a number", shown(asked["prevalence"]))]) from None
    return Setting.told(asked.get("operating_point"), prevalence)


def _check_size(rows: int, size: int, most_rows: int, most_bytes: int) -> None:
    if not rows:
        raise BadInput([Refusal("rows", "should hold at least one row", "an empty table")])
    if rows > most_rows:
        raise TooLarge([Refusal("rows", f"should hold at most {most_rows} rows", f"{rows} rows")])
    if size > most_bytes:
        raise TooLarge([Refusal("body", f"should unpack to at most {most_bytes} bytes", f"{size}")])


def _read_arrow(sent: bytes, wanted: tuple[str, ...], most_rows: int, most_bytes: int) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415  # most requests do without
    import pyarrow.ipc  # noqa: PLC0415

    try:
        if any(is_packed(message.metadata.to_pybytes()) for message in pa.ipc.MessageReader.open_stream(sent)):
            raise NotATable([Refusal("body", "should be an Arrow stream without compression", "a compressed one")])
        with pa.ipc.open_stream(sent) as stream:
            table = stream.read_all()
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, struct.error, IndexError) as error:
        raise _unreadable("an Arrow stream", error) from None
    _check_size(table.num_rows, table.nbytes, most_rows, most_bytes)
    return _some(table, wanted)


def is_packed(metadata: bytes) -> bool:
    """Whether a message of an Arrow stream is compressed: what it unpacks to is not bounded by what was sent.

    Arrow has no call that says so before it unpacks; its metadata is a flatbuffer, whose tables begin with how far back
    their list of fields lies.

    Source: https://github.com/apache/arrow/blob/main/format/Message.fbs: of Message the fields header_type and header,
    of DictionaryBatch data, of RecordBatch compression.
    """

    def field(table: int, number: int) -> int:
        """Where a field of a table lies; 0 if it is not there."""
        fields = table - struct.unpack_from("<i", metadata, table)[0]
        place = 4 + 2 * number
        if place >= struct.unpack_from("<H", metadata, fields)[0]:
            return 0
        offset = struct.unpack_from("<H", metadata, fields + place)[0]
        return table + offset if offset else 0

    def inner(place: int) -> int:
        return place + int(struct.unpack_from("<I", metadata, place)[0])

    message = inner(0)
    kind, header = field(message, 1), field(message, 2)
    if not kind or not header or metadata[kind] not in (DICTIONARY, RECORDS):
        return False
    batch = inner(header)
    if metadata[kind] == DICTIONARY:
        batch = inner(field(batch, 1))
    return bool(field(batch, 3))


def _read_parquet(sent: bytes, wanted: tuple[str, ...], most_rows: int, most_bytes: int) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415  # the same
    import pyarrow.parquet  # noqa: PLC0415

    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(sent))
        about = file.metadata
        size = sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))
        _check_size(about.num_rows, size, most_rows, most_bytes)
        table = file.read(columns=[name for name in wanted if name in file.schema_arrow.names])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable("a Parquet file", error) from None
    return table


def _some(table: pa.Table, wanted: tuple[str, ...]) -> pa.Table:
    """The columns that are asked for; one that is there twice stays so, and is refused."""
    return table.select([place for place, name in enumerate(table.schema.names) if name in wanted])


def _unreadable(what: str, error: Exception) -> NotATable:
    said = str(error).partition("\n")[0].rstrip(".") or "nothing"
    return NotATable([Refusal("body", f"should be {what}", said)])


def _write_arrow(table: pa.Table) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  # the same

    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _write_parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet  # noqa: PLC0415  # the same

    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


FORMATS: Mapping[str, Format] = {
    ARROW: Format(_read_arrow, _write_arrow),
    PARQUET: Format(_read_parquet, _write_parquet),
}
