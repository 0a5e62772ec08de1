"""How far the logs of a folder reach, to be kept elsewhere: what is cut off or written anew later is found by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec
from pydantic import JsonValue

from models.errors import BadInput, Refusal
from serving.change import canonical
from serving.decisions.chain import head_of
from serving.decisions.index import INDEX, now, standing_still
from serving.decisions.line import Head
from serving.decisions.walk import Mark


class Anchor(msgspec.Struct):
    """The newest line of every file at a time."""

    at: str
    heads: dict[str, Head]


@dataclass(frozen=True)
class Anchors:
    """What was kept elsewhere of some folder, by file."""

    marks: Mapping[str, list[Mark]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Self:
        """The anchors of a file, one a line.

        Raises BadInput naming the line that is none.
        """
        marks: dict[str, list[Mark]] = {}
        for place, line in enumerate(file.read_bytes().splitlines(), 1):
            try:
                anchor = msgspec.json.decode(line, type=Anchor)
            except ValueError:
                rule = "should be a line that `fulcrum audit anchor` printed"
                raise BadInput([Refusal(f"{file}:{place}", rule, "something else")]) from None
            for name, head in anchor.heads.items():
                marks.setdefault(name, []).append(Mark(head.number, head.hash, f"{file.name}:{place}"))
        return cls(marks)


def anchor(folder: Path) -> str:
    """One line of JSON to be kept where nobody who may write to the folder can: the heads of its files.

    Raises BadInput if a head can not be read.
    """
    with standing_still(folder):
        names = sorted(path.name for path in folder.glob("*.jsonl"))
        if INDEX not in names:
            raise BadInput([Refusal(str(folder), "should be a folder of logs of decisions", f"no {INDEX}")])
        heads: dict[str, JsonValue] = {}
        for name in names:
            path = head_of(folder / name)
            try:
                head = Head.read(path.read_bytes())
            except FileNotFoundError:
                continue  # Of a chain that was begun and left; if it is another's, `verify` says so.
            except ValueError:
                raise BadInput([Refusal(str(path), "should be a head of a log", "none")]) from None
            heads[name] = {"number": head.number, "hash": head.hash}
    return canonical({"at": now(), "heads": heads})
