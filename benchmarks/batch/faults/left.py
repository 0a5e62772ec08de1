"""What a job leaves: every file in its folder by name and digest, and what is wrong with it beside what is known."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.batch.faults.people import People
from serving.batch.here import LOCK

# What lies beside the answers, by the ending of its name.
MANIFEST, REFUSED, RECEIPTS = ".manifest.json", ".refused", "_shards"


@dataclass(frozen=True)
class Left:
    """SHA-256 of each file by its name within the folder; of a folder nothing."""

    files: dict[str, str]

    @classmethod
    def of(cls, home: Path) -> Left:
        """All that there is in a folder; where that is, is taken out of what it says of itself."""
        return cls(_digests(home, home.rglob("*")))

    def differences(self, known: Left) -> list[str]:
        """In what it differs from what is known, a line a file."""
        lost = [f"{name} is not there" for name in known.files if name not in self.files]
        return [*lost, *self.strange(known)]

    def strange(self, known: Left) -> list[str]:
        """What is not among what is known, or is there otherwise."""
        more = [f"{name} was left over" for name in self.files if name not in known.files]
        other = [f"{name} is another" for name, each in self.files.items() if known.files.get(name, each) != each]
        return [*more, *other]


def seen(home: Path) -> Left:
    """What somebody finds who reads a folder: without what is hidden or in the making, and may be gone any moment."""
    return Left(_digests(home, (path for path in home.rglob("*") if not _in_the_making(path.relative_to(home)))))


def unfinished(home: Path) -> list[str]:
    """What is still in the making, though nobody is at it."""
    return [f"{path.relative_to(home)} was left over" for path in home.rglob("*.tmp")]


def torn(home: Path) -> list[str]:
    """The tables of answers that can not be read to their end."""
    found = []
    for file in tables(home):
        try:
            read(file)
        except (OSError, pa.ArrowException) as error:
            found.append(f"{file.name} can not be read: {str(error).partition(chr(10))[0]}")
    return found


def tables(home: Path) -> Iterator[Path]:
    """The answers, a file or those of a folder, in order."""
    kinds = (".parquet", ".csv")
    for path in sorted([*home.glob("answers*"), *home.glob("answers/part-*")]):
        if path.is_file() and path.suffix in kinds:
            yield path


def read(file: Path) -> pa.Table:
    """A table of answers."""
    return pq.read_table(file) if file.suffix == ".parquet" else pa.csv.read_csv(file)


def untrue(home: Path, people: People) -> list[str]:
    """In what the answers are not those of all good people, once each, or the refused not the bad ones."""
    amiss = []
    ids = [number for file in tables(home) for number in read(file)["id"].to_pylist()]
    if ids != people.good:
        amiss.append(f"{len(ids):,} answers in place of those of {len(people.good):,} people, once each and in order")
    (file,) = home.glob(f"answers*{REFUSED}")
    with file.open(newline="") as text:
        refused = [(line["file"], int(line["row"])) for line in csv.DictReader(text)]
    if sorted(refused) != sorted(people.bad):
        amiss.append(f"{len(refused):,} cells refused in place of {len(people.bad):,}")
    counts = counted(home)
    if (counts["read"], counts["refused"]) != (people.rows, len(people.bad)):
        amiss.append(f"the manifest counts {counts['read']:,} rows and {counts['refused']:,} refused")
    return amiss


def counted(home: Path) -> dict[str, int]:
    """What the manifest says of all rows."""
    (file,) = home.glob(f"answers*{MANIFEST}")
    counts: dict[str, int] = json.loads(file.read_text())["models"][0]["counts"]
    return counts


def marks(home: Path) -> dict[str, tuple[int, int]]:
    """What tells the file of each shard that has a receipt from the same file made again."""
    receipts = sorted(home.glob(f"answers/{RECEIPTS}/*.json"))
    parts = [home / "answers" / json.loads(receipt.read_text())["part"] for receipt in receipts]
    return {part.name: (part.stat().st_ino, part.stat().st_mtime_ns) for part in parts}


def _digests(home: Path, paths: Iterable[Path]) -> dict[str, str]:
    return {str(path.relative_to(home)): _digest(path, home) for path in sorted(paths)}


def _digest(path: Path, home: Path) -> str:
    if path.is_dir():
        return ""
    text = path.read_bytes()
    if path.name.endswith(MANIFEST):
        text = text.replace(str(home).encode(), b"")
    return hashlib.sha256(text).hexdigest()


def _in_the_making(name: Path) -> bool:
    return name.suffix == ".tmp" or name.name == LOCK or any(part.startswith(".") for part in name.parts)
