"""Somebody else at the same files: those that are read are changed, or those that are written are another job's too."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from benchmarks.batch.faults.left import Left, counted, marks, seen, unfinished
from benchmarks.batch.faults.people import appended
from benchmarks.batch.faults.work import Begun, Found, Work, not_refused, wrong_end

ONE_JOB, SAME = "should be written by one job at a time", "should stay the same while it is read"


def changed_between(work: Work) -> Found:
    """A row more in a file that was scored before the job was killed; and in one that was not."""
    found = Found("input changed between two runs", tried=2)
    with _copied(work) as there:
        file = there.people.files[0]
        before = _killed_in_the_middle(there)
        appended(file)
        found.amiss += not_refused(there.run(), f"part-00000.parquet: should be made of {file}", "another content")
        found.amiss += Left.of(there.home).differences(before)
        found.amiss += _wrong(there, "--overwrite")
    with _copied(work) as there:
        _killed_in_the_middle(there)
        appended(there.people.files[-1])
        found.amiss += _wrong(there)
    found.told = "refused by name, and done anew with --overwrite; a file not scored yet is scored as it is now"
    return found


def changed_meanwhile(work: Work) -> Found:
    """A row more in the last file while the first ones are scored."""
    found = Found("input changed during the run", tried=1)
    with _copied(work) as there:
        file, begun = there.people.files[-1], there.begin()
        _done(there, begun, 1)
        # It must not get as far as that file meanwhile.
        begun.process.send_signal(signal.SIGSTOP)
        appended(file)
        begun.process.send_signal(signal.SIGCONT)
        found.amiss += not_refused(begun.ended(), f"{file}: {SAME}")
        found.amiss += unfinished(there.home)
        kept = len(marks(there.home))
        found.amiss += _wrong(there)
    found.told = f"refused by name; {kept} shards were kept, and the same command then scored the rest as it is now"
    return found


def two_at_once(work: Work, pairs: int, moments: random.Random, say: Callable[[str], None]) -> Found:
    """The same job twice at the same time, one of them up to half a second later."""
    found = Found(f"two jobs at once, {work.name}", tried=pairs)
    known, _, found.amiss = work.unbroken()
    for number in range(pairs):
        work.clear()
        one = work.begin()
        one.within(moments.uniform(0, 0.5))
        other = work.begin()
        # The one that was refused ends with the larger code or the smaller one: it is known by what it says.
        refused, done = sorted((one.ended(), other.ended()), key=lambda ended: ONE_JOB not in ended.said)
        problems = [*wrong_end(done), *not_refused(refused, f"{work.target}: {ONE_JOB}")]
        problems += Left.of(work.home).differences(known)
        found.amiss += [f"pair {number + 1}: {problem}" for problem in problems]
        say(f"  pair {number + 1} of {pairs}")
    found.told = "one did it, the other was refused"
    return found


@contextmanager
def _copied(work: Work) -> Iterator[Work]:
    """The same job of files of its own, gone in the end."""
    folder, home = (path.with_name(f"{path.name}-copied") for path in (work.people.folder, work.home))
    shutil.copytree(work.people.folder, folder)
    home.mkdir()
    try:
        yield replace(work, people=work.people.moved(folder), home=home)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(home)


def _killed_in_the_middle(work: Work) -> Left:
    """Kill it as soon as two shards are done; what it left that is finished."""
    begun = work.begin()
    _done(work, begun, 2)
    begun.kill()
    return seen(work.home)


def _done(work: Work, begun: Begun, shards: int) -> None:
    """Wait until so many shards are done."""
    if not begun.until(lambda: len(marks(work.home)) >= shards):
        raise SystemExit(f"{work.name} ended before {shards} shards were done: {begun.ended().said}")


def _wrong(work: Work, *more: str) -> list[str]:
    """Go on with a job one of whose files has a row more: in what it differs from a job that saw only those files."""
    amiss = wrong_end(work.run(*more))
    with_more, rows = work.people.rows + 1, counted(work.home)["read"]
    amiss += [f"{rows:,} rows were counted of {with_more:,}"] if rows != with_more else []
    anew = replace(work, home=work.home.with_name(f"{work.home.name}-anew"))
    anew.clear()
    amiss += wrong_end(anew.run())
    amiss += Left.of(work.home).differences(Left.of(anew.home))
    shutil.rmtree(anew.home)
    return amiss
