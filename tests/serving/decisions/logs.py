"""Small logs of decisions, and what a test asks of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving.decisions.index import INDEX
from serving.decisions.line import Entry
from serving.decisions.log import Log
from serving.decisions.verify import verify

BUNDLE = "b" * 64


def entry(number: int) -> Entry:
    """A line as a service writes it."""
    model = {"bundle": BUNDLE, "decision": ["positive"], "model": "screen", "probability": [0.1], "version": number % 3}
    return Entry.of({"by": "ada", "id": f"{number:016x}-1", "models": [model], "trace": None})


def opened(folder: Path, *, most_bytes: int = 10**6, sync: bool = False) -> Log:
    return Log(folder, most_bytes=most_bytes, sync=sync)


def small(folder: Path, *, lines: int = 4, closed: bool = True) -> None:
    """Two processes' logs: of the first so many lines, of the second two."""
    for count in (lines, 2):
        log = opened(folder)
        for number in range(count):
            log.write([entry(number)])
        if closed:
            log.close()


def files(folder: Path) -> list[Path]:
    """The logs of a folder, without its index, oldest first."""
    return sorted(file for file in folder.glob("*.jsonl") if file.name != INDEX)


def decided(folder: Path) -> list[dict[str, Any]]:
    """All decisions of a folder."""
    lines = [json.loads(line) for file in files(folder) for line in file.read_bytes().splitlines()]
    return [line for line in lines if "id" in line]


def problems(folder: Path) -> list[str]:
    found = verify(folder)
    return [str(problem) for problem in found.problems]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """Mount a disk of that size at a folder, where that is allowed, and say whether it is."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
