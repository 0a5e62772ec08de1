"""A disk that is full, or that may not be written to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.batch.faults.left import Left, marks, seen, torn, unfinished
from benchmarks.batch.faults.work import Found, Work, not_refused, wrong_end
from benchmarks.faults.disk import remount, small_disk

# The disk holds this share of the answers.
SHARE = 0.6
RULE = "should be in a folder in which files can be made"


def full(work: Work) -> Found:
    """A disk that is too small for the answers, and is made large enough then.

    Raises LeftOut if this machine does not let one be mounted.
    """
    found = Found(f"disk full, {work.name}", tried=1)
    known, _, found.amiss = work.unbroken()
    size = _bytes(work.home)
    with small_disk(work.home.with_name("small"), int(SHARE * size)) as disk:
        there = replace(work, home=disk)
        failed = there.run()
        found.amiss += not_refused(failed, str(there.target), "No space left on device")
        found.amiss += [*seen(disk).strange(known), *torn(disk), *unfinished(disk)]
        before = marks(disk)
        remount(disk, f"size={4 * size}")
        found.amiss += wrong_end(there.run())
        found.amiss += Left.of(disk).differences(known)
        after = marks(disk)
        found.amiss += [f"{name} is done again" for name in before if before[name] != after.get(name)]
    found.told = f"refused; {len(before)} shards were kept, and skipped once there was room"
    return found


def read_only(work: Work) -> Found:
    """A disk that may not be written to, empty and with a job's answers on it.

    Raises LeftOut if this machine does not let one be mounted.
    """
    found = Found(f"disk read-only, {work.name}", tried=2)
    known, _, found.amiss = work.unbroken()
    with small_disk(work.home.with_name("read-only"), 4 * _bytes(work.home)) as disk:
        there = replace(work, home=disk)
        for before in (Left({}), known):
            if before is known:
                remount(disk, "rw")
                found.amiss += wrong_end(there.run())
            remount(disk, "ro")
            found.amiss += not_refused(there.run(), str(there.target), RULE, "Read-only file system")
            found.amiss += Left.of(disk).differences(before)
    found.told = "refused before any work, with nothing there and with all done"
    return found


def _bytes(home: Path) -> int:
    return sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
