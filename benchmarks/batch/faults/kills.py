"""Jobs that are ended by SIGKILL at random moments, and begun again."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

from benchmarks.batch.faults.left import Left, marks, seen, torn
from benchmarks.batch.faults.work import Found, Work, wrong_end


def killed(work: Work, kills: int, moments: random.Random, say: Callable[[str], None]) -> Found:
    """Kill it so often at moments that are uniform over how long it takes, and do it again each time."""
    found = Found(f"kill -9, {work.name}", tried=kills)
    known, seconds, amiss = work.unbroken()
    found.amiss += amiss
    skipped, early = 0, 0
    for number in range(kills):
        _kill(work, seconds, moments)
        problems = [*seen(work.home).strange(known), *torn(work.home)]
        before = marks(work.home)
        problems += wrong_end(work.run())
        problems += Left.of(work.home).differences(known)
        after = marks(work.home)
        again = [name for name in before if before[name] != after.get(name)]
        problems += [f"{name} was done already and is done again" for name in again]
        skipped += len(before)
        early += not before
        found.amiss += [f"kill {number + 1}: {problem}" for problem in problems]
        say(f"  kill {number + 1} of {kills}: {len(before)} shards were done")
    found.told = (
        f"{skipped} shards were done already and skipped, none in {early} jobs"
        if marks(work.home)
        else "no file until all is done"
    )
    return found


def _kill(work: Work, seconds: float, moments: random.Random) -> None:
    """Begin it and kill it; if it ends before that, as another load of the machine may have it, once more."""
    while True:
        work.clear()
        begun = work.begin()
        if not begun.within(moments.uniform(0, seconds)) and begun.kill().code == -signal.SIGKILL:
            return
