"""What a program costs: time from its start to its end, processor time, and the most memory of all its processes."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parents[2]
SAMPLES_A_SECOND, PATIENCE_SECONDS, LEAVE_SECONDS = 5, 900, 5


@dataclass(frozen=True)
class Cost:
    """`call` is what the program itself says its job took, without its imports; None if it says nothing."""

    seconds: float
    cpu: float
    megabytes: float
    call: float | None


class Failed(Exception):
    """A program did not do its job."""


def run(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Cost:
    """Run a program to its end, and end whatever of it is left.

    Raises Failed if it ends otherwise than with 0 or takes too long; its log says more.
    """
    variables = {**os.environ, "PYTHONPATH": str(HERE), **(environment or {})}
    with log.open("wb") as file:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=HERE, env=variables, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
        watch = Watch(process.pid)
        watch.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            watch.end()
    if process.returncode:
        raise Failed(f"ended with {process.returncode}; see {log}")
    # Some processes are waited for by nobody, and others live too short to be seen: the larger of both counts is nearer.
    cpu = max(used.ru_utime + used.ru_stime, watch.cpu)
    return Cost(seconds, cpu, watch.megabytes, said(log.read_text(errors="replace"), "JOB").get("seconds"))


def said(text: str, word: str) -> dict[str, float]:
    """What the last line that begins with a word holds; nothing if there is none."""
    found = [line.partition(f"{word} ")[2] for line in text.splitlines() if f"{word} {{" in line]
    held: dict[str, float] = json.loads(found[-1]) if found else {}
    return held


class Watch(threading.Thread):
    """Looks at a process and all below it, again and again."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._root, self._end, self._begun = psutil.Process(root), threading.Event(), time.perf_counter()
        self._seen: dict[int, psutil.Process] = {}
        self._cpu: dict[int, float] = {}

    @property
    def cpu(self) -> float:
        """Seconds of all processes, each as it was seen last."""
        return sum(self._cpu.values())

    def run(self) -> None:
        while not self._end.wait(1 / SAMPLES_A_SECOND):
            with suppress(psutil.NoSuchProcess):
                if time.perf_counter() - self._begun > PATIENCE_SECONDS:
                    self._root.kill()
                self._look([self._root, *self._root.children(recursive=True)])

    def _look(self, processes: list[psutil.Process]) -> None:
        own, shared = 0, 0
        for each in processes:
            with suppress(psutil.Error, OSError):
                user, system = each.cpu_times()[:2]
                self._seen[each.pid], self._cpu[each.pid] = each, user + system
                anonymous, common = memory(Path(f"/proc/{each.pid}/status").read_text())
                own, shared = own + anonymous, max(shared, common)
        self.megabytes = max(self.megabytes, (own + shared) / 1e3)

    def end(self) -> None:
        """Look no more; wait a little for the processes that outlive their parent, then end them."""
        self._end.set()
        self.join()
        _, left = psutil.wait_procs(list(self._seen.values()), timeout=LEAVE_SECONDS)
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, timeout=LEAVE_SECONDS)


def memory(status: str) -> tuple[int, int]:
    """Of what the kernel says of a process: kB of its own, and kB that it shares with others; pages of files are neither."""
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    own, shared = (int(lines.get(name, "0 kB").split()[0]) for name in ("RssAnon", "RssShmem"))
    return own, shared
