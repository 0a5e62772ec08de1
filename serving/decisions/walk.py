"""One chain read from its beginning to its end, a line at a time, and whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from models.errors import Refusal, shown
from serving.decisions.line import Head, Link, read_line, seal_of

Report = Callable[[Refusal], None]


class Mark(NamedTuple):
    """What somebody says of a chain: that its line of this number has this hash."""

    number: int
    hash: str
    said_by: str


class Reached(NamedTuple):
    """How far a chain goes: its newest whole line, None if there is none, and whether a part of another follows."""

    newest: Head | None
    torn: bool


class Walk:
    """Reads a chain and holds it against its marks.

    `first` is what its first line follows, None where that is not known. With an `end`, no line may follow that mark.
    """

    def __init__(
        self, path: Path, marks: Sequence[Mark], *, first: str | None, end: Mark | None, report: Report
    ) -> None:
        self._path = path
        self._marks = [*marks, *([end] if end else [])]
        self._first = first
        self._end = end
        self._report = report

    def run(self, look: Callable[[str, Link], None], progress: Callable[[int], None]) -> Reached:
        """Report what is wrong; `look` is told every line and its place, `progress` how many bytes were read."""
        before: Link | None = None
        number, previous, torn = 0, self._first, False
        newest: Head | None = None
        with self._path.open("rb") as file:
            for place, line in enumerate(file, 1):
                progress(len(line))
                where = f"{self._path.name}:{place}"
                if not line.endswith(b"\n"):
                    torn = True
                    break
                try:
                    link = read_line(line)
                except ValueError:
                    self._report(Refusal(where, "should be a line of the log", shown(line[:30])))
                    # What follows it can not be said.
                    number, previous = number + 1, None
                    continue
                self._check(where, line, link, number, previous)
                if before is None and link.file != self._path.name:
                    self._report(Refusal(f"{where}: file", f"should be {self._path.name}", shown(link.file)))
                look(where, link)
                before, newest = link, Head(link.number, link.hash)
                number, previous = link.number + 1, link.hash
        self._check_end(newest, torn=torn)
        return Reached(newest, torn)

    def _check(self, where: str, line: bytes, link: Link, number: int, previous: str | None) -> None:
        if link.number != number:
            self._report(Refusal(f"{where}: number", f"should be {number}", str(link.number)))
        if previous is not None and link.previous != previous:
            self._report(Refusal(f"{where}: previous", f"should be {previous}", shown(link.previous)))
        if link.hash != (seal := seal_of(line)):
            self._report(Refusal(f"{where}: hash", f"should be {seal}", shown(link.hash)))
        for mark in self._marks:
            if mark.number == link.number and mark.hash != link.hash:
                rule = f"should be {mark.hash}, as {mark.said_by} says"
                self._report(Refusal(f"{where}: hash", rule, shown(link.hash)))
        if self._end and link.number > self._end.number:
            rule = f"should not follow line number {self._end.number}, the last as {self._end.said_by} says"
            self._report(Refusal(where, rule, f"number {link.number}"))

    def _check_end(self, newest: Head | None, *, torn: bool) -> None:
        reached = -1 if newest is None else newest.number
        for mark in self._marks:
            if mark.number > reached:
                got = "no line" if newest is None else f"number {reached} as its last one"
                rule = f"should go on to line number {mark.number}, as {mark.said_by} says"
                self._report(Refusal(self._path.name, rule, got))
        if torn and self._end:
            self._report(Refusal(self._path.name, "should end with a whole line", "a part of one"))
