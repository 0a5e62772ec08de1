"""Whole tables to and from the service: Arrow or Parquet, as bytes, or as the tables of pyarrow and polars."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from fulcrum.client.answers import About, check_count, check_decided, check_probabilities
from fulcrum.client.errors import RefusedInput
from fulcrum.client.told import Refusal

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
# How every Parquet file begins.
MAGIC = b"PAR1"
DECIDED = ("probability", "positive", "decision")
AnyTable = TypeVar("AnyTable", bytes, "pl.DataFrame", "pa.Table")


@dataclass(frozen=True)
class TableReply(Generic[AnyTable]):
    """One row of answers a row, in the order of the request, as the kind of table that was sent.

    Its columns are `probability`, `positive` (empty where the model does not decide), `decision`, and the symptoms.
    """

    about: About
    table: AnyTable


class Sent(NamedTuple):
    """A table as it is sent: its bytes, their content type, how many rows, and how the answers are handed over.

    Without `handed` they are handed over as the bytes that came.
    """

    content: bytes
    kind: str
    rows: int
    handed: Callable[[pa.Table], Any] | None


def sent(table: object) -> Sent:
    """A table as it is sent.

    Raises RefusedInput if bytes are neither an Arrow stream nor a Parquet file, TypeError for what is no table.
    """
    import pyarrow as pa  # noqa: PLC0415  # most programs do without

    if isinstance(table, bytes):
        kind = PARQUET if table.startswith(MAGIC) else ARROW
        try:
            rows = _read(table, kind).num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            said = str(error).partition("\n")[0].rstrip(".")
            rule = "should be an Arrow stream or a Parquet file"
            raise RefusedInput.here([Refusal(path="table", rule=rule, got=said)]) from None
        return Sent(table, kind, rows, None)
    # Nobody has a table of polars who has not loaded it.
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(table, polars.DataFrame):
        return Sent(_written(table.to_arrow()), ARROW, table.height, polars.from_arrow)
    if isinstance(table, pa.Table):
        return Sent(_written(table), ARROW, table.num_rows, lambda found: found)
    kind = f"{type(table).__module__}.{type(table).__qualname__}"
    raise TypeError(f"table: should be bytes, a pyarrow.Table or a polars.DataFrame, got {kind}.")


def reply(asked: Sent, body: bytes) -> TableReply[Any]:
    """The answers to a table.

    Raises ValueError if they are not those of all its rows.
    """
    import pyarrow as pa  # noqa: PLC0415  # the same

    try:
        found = _read(body, asked.kind)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"should be a table, got {type(error).__name__}") from None
    if any(found.column_names.count(name) != 1 for name in DECIDED):
        raise ValueError(f"should have the columns {', '.join(DECIDED)}, each once, got others")
    check_count(found.num_rows, asked.rows)
    probability, positive, decision = (found[name].to_pylist() for name in DECIDED)
    check_decided(decision, positive)
    check_probabilities(probability)
    about = About.model_validate_json((found.schema.metadata or {}).get(b"fulcrum", b""))
    return TableReply(about, asked.handed(found) if asked.handed else body)


def _read(body: bytes, kind: str) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415  # the same

    if kind == ARROW:
        import pyarrow.ipc  # noqa: PLC0415  # the same

        with pa.ipc.open_stream(body) as stream:
            return stream.read_all()
    import pyarrow.parquet  # noqa: PLC0415  # the same

    return pa.parquet.read_table(pa.BufferReader(body))


def _written(table: pa.Table) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  # the same
    import pyarrow.ipc  # noqa: PLC0415  # the same

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())
