"""A decision looked up in a folder of logs by the id of its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from models.errors import BadInput, Refusal, shown
from serving.decisions.index import INDEX
from serving.decisions.line import seal_of

# The id of an answer, and the place of a row in it.
NAME = re.compile(r"([0-9a-f]+-[0-9a-f]+)(?:\.([0-9]+))?")


class Judged(msgspec.Struct):
    """What one model decided, at which point, of which inputs; one item a row in each list."""

    bundle: str
    clear_below: float
    contract: str | None
    decision: list[str]
    inputs: list[str]
    model: str
    prevalence: float
    probability: list[float]
    threshold: float
    version: int | None
    columns: list[str] | None = None


class Record(msgspec.Struct):
    """A line of a log."""

    at: str
    by: str | None
    endpoint: str
    hash: str
    id: str
    models: list[Judged]
    trace: str | None
    answers: list[str] | None = None


class Header(msgspec.Struct):
    """The first line of a log."""

    runtime: str


@dataclass(frozen=True)
class Found:
    """A recorded answer: where it stands, which of its rows are asked for, and what it was made with."""

    where: str
    record: Record
    rows: tuple[int, ...]
    runtime: str


def find(folder: Path, name: str) -> Found:
    """The answer of an id, as in `ID`, or one of its rows, as in `ID.3`; rows are counted from 0.

    Raises BadInput if there is none, or if its line is not what was written.
    """
    parts = NAME.fullmatch(name)
    if parts is None:
        raise BadInput(
            [Refusal("id", "should be the id of an answer, or it and the place of a row, ID.3", shown(name))]
        )
    needle = b'"id":"%b"' % parts[1].encode()
    for path in sorted(folder.glob("*.jsonl")):
        if path.name == INDEX:
            continue
        with path.open("rb") as file:
            header = b""
            for place, line in enumerate(file, 1):
                header = header or line
                if needle in line:
                    return _found(f"{path.name}:{place}", header, line, parts[2])
    raise BadInput([Refusal("id", f"should be that of an answer in {folder}", name)])


def _found(where: str, header: bytes, line: bytes, row: str | None) -> Found:
    try:
        record = msgspec.json.decode(line, type=Record)
        runtime = msgspec.json.decode(header, type=Header).runtime
    except ValueError:
        raise BadInput([Refusal(where, "should be a decision, in a log with a header", "something else")]) from None
    if record.hash != (seal := seal_of(line)):
        raise BadInput([Refusal(f"{where}: hash", f"should be {seal}", shown(record.hash))])
    count = len(record.models[0].decision)
    if row is None:
        return Found(where, record, tuple(range(count)), runtime)
    if int(row) >= count:
        raise BadInput([Refusal("id", f"should name a row from 0 to {count - 1} of {record.id}", row)])
    return Found(where, record, (int(row),), runtime)
