"""A job of the command line: begun, and waited for or not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.batch.faults.left import Left, untrue
from benchmarks.batch.faults.people import People
from benchmarks.batch.measuring import HERE
from commands.answering import REFUSED, SOME_REFUSED

PATIENCE_SECONDS = 600


@dataclass
class Found:
    """What came of a fault that was tried so often, in words, and what of it is wrong."""

    name: str
    tried: int = 0
    told: str = ""
    amiss: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ended:
    """How a process ended, what it said, and after how long."""

    code: int
    said: str
    seconds: float


class Begun:
    """A process of `fulcrum score`."""

    def __init__(self, command: list[str]) -> None:
        self._begun = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def ended(self) -> Ended:
        """Wait for its end."""
        try:
            said, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return Ended(self.process.returncode, said.strip(), time.perf_counter() - self._begun)

    def within(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def until(self, there: Callable[[], bool], *, pause: float = 0.002) -> bool:
        """Wait for something to be there, looking every so many seconds; whether it came before the end of the process."""
        while not there():
            if self.within(pause):
                return False
        return True

    def kill(self) -> Ended:
        """SIGKILL."""
        self.process.kill()
        return self.ended()


@dataclass(frozen=True)
class Work:
    """A job, `home/answers` or with an ending its result, and what it leaves in `home` if nothing breaks."""

    name: str
    people: People
    bundle: Path
    home: Path
    answers: str
    engine: tuple[str, ...] = ()

    @property
    def target(self) -> Path:
        """Where the answers go."""
        return self.home / self.answers

    def begin(self, *more: str) -> Begun:
        """Begin it."""
        named = [str(self.people.folder), str(self.target), "--bundle", str(self.bundle), *self.engine, *more]
        return Begun([sys.executable, "-m", "fulcrum", "score", *named])

    def run(self, *more: str) -> Ended:
        """Do it."""
        return self.begin(*more).ended()

    def clear(self) -> None:
        """Take away what it left."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)

    def unbroken(self) -> tuple[Left, float, list[str]]:
        """What it leaves and how long it takes if nothing breaks, the second time; and what is wrong with that already."""
        seconds = 0.0
        for _ in range(2):
            self.clear()
            ended = self.run()
            seconds = ended.seconds
        return Left.of(self.home), seconds, [*wrong_end(ended), *untrue(self.home, self.people)]


def wrong_end(ended: Ended) -> list[str]:
    """A job with bad rows among the good ones says so at its end; nothing if it did."""
    return [] if ended.code == SOME_REFUSED else [f"ended with {ended.code}: {ended.said}"]


def not_refused(ended: Ended, *parts: str) -> list[str]:
    """Nothing if the job was refused, and in words that hold all these."""
    if ended.code == REFUSED and all(part in ended.said for part in parts):
        return []
    return [f"should be refused with {', '.join(parts)}; ended with {ended.code}: {ended.said}"]
