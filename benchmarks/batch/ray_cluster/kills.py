"""Workers, nodes and the job's own process are ended by SIGKILL at random moments of jobs on a cluster."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from benchmarks.batch.faults.left import Left, seen, torn
from benchmarks.batch.faults.work import Begun, Found, Work, wrong_end
from benchmarks.batch.ray_cluster.cluster import Cluster

WORKER, NODE, JOB = "a worker that does a task", "a node with all its processes", "the job's own process"
TOLD = {
    WORKER: "the job ended by itself",
    NODE: "the job ended by itself, and another node took its place",
    JOB: "the same command, given again at once, did the rest",
}
IDLE_SECONDS, LOOK_SECONDS = 60, 0.03


class Kills:
    """Jobs on a cluster, and what they have to leave."""

    def __init__(self, cluster: Cluster, here: Work, there: Work) -> None:
        """`here` and `there` are the same work, by the threads of one process and by the cluster."""
        self._cluster, self._work, self._moments = cluster, there, random.Random(1)
        self._known, _, self.amiss = here.unbroken()
        found, self._seconds, amiss = there.unbroken()
        self.amiss += [*amiss, *found.differences(self._known)]
        there.clear()
        begun = there.begin()
        self._until_busy(begun)
        since = time.perf_counter()
        begun.ended()
        self._busy_seconds = time.perf_counter() - since

    def of_parts(self, name: str) -> list[str]:
        """A worker or a node is killed while it does a task; what is wrong with what is there then and in the end."""
        while True:
            self._work.clear()
            begun = self._work.begin()
            self._until_busy(begun)
            begun.within(self._moments.uniform(0, self._busy_seconds))
            # Between two tasks there is none to be killed.
            if self._until_busy(begun) and self._kill(name):
                break
            begun.ended()
        return [*self._wrong_now(), *wrong_end(begun.ended()), *self._wrong_in_the_end()]

    def of_the_job(self) -> list[str]:
        """The job's own process is killed, and the same command given again at once."""
        while True:
            self._work.clear()
            begun = self._work.begin()
            if not begun.within(self._moments.uniform(0, self._seconds)) and begun.kill().code == -signal.SIGKILL:
                break
        return [*self._wrong_now(), *wrong_end(self._work.run()), *self._wrong_in_the_end()]

    def _until_busy(self, begun: Begun) -> bool:
        """Wait until some task is being done; to look takes some time of the machine on which the job runs."""
        return begun.until(lambda: bool(self._cluster.busy()), pause=LOOK_SECONDS)

    def _kill(self, name: str) -> bool:
        if name == NODE:
            self._cluster.kill_node()
            return True
        busy = self._cluster.busy()
        if busy:
            with suppress(psutil.NoSuchProcess):
                self._moments.choice(busy).kill()
                return True
        return False

    def _wrong_now(self) -> list[str]:
        """What a reader finds while it is not done, or just killed."""
        return [*seen(self._work.home).strange(self._known), *torn(self._work.home)]

    def _wrong_in_the_end(self) -> list[str]:
        """And once more when no task is left that was given up as lost."""
        amiss = Left.of(self._work.home).differences(self._known)
        until = time.monotonic() + IDLE_SECONDS
        while not self._cluster.idle() and time.monotonic() < until:
            time.sleep(0.1)
        later = Left.of(self._work.home).differences(self._known)
        return [*amiss, *(f"{each}, a little later" for each in later if each not in amiss)]


def killed(kills: Kills, *, parts: int, jobs: int, say: Callable[[str], None]) -> list[Found]:
    """Kill workers and nodes in turn, so many together, and then so many jobs."""
    found = {name: Found(f"{name} killed", told=told) for name, told in TOLD.items()}
    found[WORKER].amiss += kills.amiss
    names = [*((WORKER, NODE)[number % 2] for number in range(parts)), *[JOB] * jobs]
    for number, name in enumerate(names):
        amiss = kills.of_the_job() if name == JOB else kills.of_parts(name)
        found[name].tried += 1
        found[name].amiss += [f"kill {number + 1}: {problem}" for problem in amiss]
        say(f"  kill {number + 1} of {len(names)}, {name}: {len(amiss)} amiss")
    return [each for each in found.values() if each.tried]
