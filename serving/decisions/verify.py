"""Whether the logs of a folder are what was written: nothing altered, taken out, put in, moved, cut off or missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import Refusal
from serving.change import NOTHING
from serving.decisions.anchor import Anchors
from serving.decisions.chain import head_of
from serving.decisions.index import BEGUN, ENDED, INDEX, standing_still
from serving.decisions.line import Head, Link
from serving.decisions.walk import Mark, Reached, Walk

# As many problems as are kept; the others are counted.
MOST_PROBLEMS = 1000


@dataclass
class Verified:
    """What was found in a folder of logs.

    `decisions` counts recorded answers. `notes` tell what is no fault: files that are open or were not closed, and
    lines that were torn off. `used` holds, by model and bundle, each version of the live point that a decision
    names, and where the first of them stands.
    """

    files: int = 0
    decisions: int = 0
    problems: list[Refusal] = field(default_factory=list)
    more_problems: int = 0
    notes: list[str] = field(default_factory=list)
    used: dict[tuple[str, str], dict[int, str]] = field(default_factory=dict)

    def report(self, problem: Refusal) -> None:
        """Add a problem."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.more_problems += 1

    def look(self, where: str, link: Link) -> None:
        """Count a line of a log, and see which points it was decided at."""
        if link.id is None:
            return
        self.decisions += 1
        for each in link.models:
            if each.version is not None:
                self.used.setdefault((each.model, each.bundle), {}).setdefault(each.version, where)


@dataclass
class Listed:
    """What the index says of a file: what its first line follows, where it began, where it ended."""

    first: str
    begun: Mark
    ended: Mark | None = None


def verify(folder: Path, *, anchors: Anchors | None = None, progress: Callable[[int], None] | None = None) -> Verified:
    """Read every log of a folder once, a line at a time; `progress` is told how many bytes were read.

    Each line is held against its own hash, the line before, and whatever else says how it should be: the head beside
    the file, the index of the folder, and `anchors`, which were kept elsewhere. A service may go on writing.

    Without anchors one thing can not be known: whether somebody who may write to the folder wrote all of it anew.

    Source: Haber & Stornetta, "How to Time-Stamp a Digital Document", Journal of Cryptology 3, 1991.
    """
    return _Reading(folder, (anchors or Anchors()).marks, progress or _silent).run()


class _Reading:
    def __init__(self, folder: Path, marks: Mapping[str, Sequence[Mark]], progress: Callable[[int], None]) -> None:
        self.folder = folder
        self.marks = marks
        self.progress = progress
        self.found = Verified()

    def run(self) -> Verified:
        with standing_still(self.folder):
            names = sorted(path.name for path in self.folder.glob("*.jsonl") if path.name != INDEX)
            # Heads come first: a line that is added meanwhile lies beyond them.
            heads = {name: self._head(name) for name in names}
            listed = self._index()
        said_by = {name: marks[0].said_by for name, marks in self.marks.items() if name != INDEX}
        said_by |= {name: each.begun.said_by for name, each in listed.items()}
        for name in dict.fromkeys([*listed, *names, *said_by]):
            if name not in heads:
                self.found.report(Refusal(name, f"should be there, as {said_by[name]} says", "no file"))
            elif name in listed:
                self._log(name, heads[name], listed[name])
            else:
                self._stray(name)
        return self.found

    def _head(self, name: str) -> Mark | None:
        """The head of a chain, as a mark."""
        beside = head_of(self.folder / name)
        try:
            head = Head.read(beside.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            self.found.report(
                Refusal(beside.name, f"should hold number and hash of the newest line of {name}", "not so")
            )
            return None
        return Mark(head.number, head.hash, beside.name)

    def _index(self) -> dict[str, Listed]:
        """What the index says of every file, itself verified."""
        listed: dict[str, Listed] = {}
        path = self.folder / INDEX
        if not path.exists():
            self.found.report(Refusal(INDEX, f"should be there, in {self.folder}", "no file"))
            return listed

        def look(where: str, link: Link) -> None:
            if link.file is None or link.last is None or link.last_hash is None:
                return
            mark = Mark(link.last, link.last_hash, where)
            if link.event == BEGUN and link.file not in listed:
                listed[link.file] = Listed(link.previous, mark)
            elif link.event == ENDED and link.file in listed and listed[link.file].ended is None:
                listed[link.file].ended = mark
            else:
                rule = "should begin a new file, or end one that was begun"
                self.found.report(Refusal(where, rule, f"{link.event} of {link.file}"))

        head = self._head(INDEX)
        marks = [*([head] if head else []), *self.marks.get(INDEX, ())]
        reached = Walk(path, marks, first=NOTHING, end=None, report=self.found.report).run(look, _silent)
        self._miss_head(INDEX, reached)
        if reached.torn:
            self.found.notes.append(f"{INDEX}: its last line was torn off before it was whole.")
        return listed

    def _log(self, name: str, head: Mark | None, listed: Listed) -> None:
        """A file that the index knows."""
        self.found.files += 1
        marks = [listed.begun, *([head] if head else []), *self.marks.get(name, ())]
        walk = Walk(self.folder / name, marks, first=listed.first, end=listed.ended, report=self.found.report)
        reached = walk.run(self.found.look, self.progress)
        self._miss_head(name, reached)
        if listed.ended is None:
            torn = "; its last line was torn off before it was whole, and never answered" if reached.torn else ""
            self.found.notes.append(f"{name}: is open, or its writer was killed{torn}.")

    def _miss_head(self, name: str, reached: Reached) -> None:
        """Report a head that is not there; only a chain whose first line was never followed may be without."""
        beside = head_of(self.folder / name)
        if not beside.exists() and not (name == INDEX and reached.newest and reached.newest.number == 0):
            self.found.report(Refusal(beside.name, f"should be there beside {name}", "no file"))

    def _stray(self, name: str) -> None:
        """A file that the index does not know: its writer may have been killed before it entered it."""
        self.found.files += 1
        before = self.found.decisions
        walk = Walk(self.folder / name, self.marks.get(name, ()), first=None, end=None, report=self.found.report)
        walk.run(self.found.look, self.progress)
        if self.found.decisions > before:
            self.found.report(Refusal(name, f"should be entered in {INDEX}", "no entry"))
        else:
            self.found.notes.append(f"{name}: was begun and left, without a decision.")


def _silent(read: int) -> None:
    del read
