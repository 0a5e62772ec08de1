"""The same shards by the threads of one process and by the tasks of a cluster, in turn: what do the tasks cost?"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.batch.faults.left import Left
from benchmarks.batch.job import Job
from benchmarks.batch.measuring import HERE, said
from benchmarks.batch.memory import repeated
from benchmarks.batch.ray_cluster.told import AGAIN, FIRST, HERE_ALONE, ON_RAY

ROWS_A_SHARD = 1_000_000
Round = dict[str, dict[str, float]]


def shards(job: Job, folder: Path, rows: int) -> Path:
    """So many rows of the same people over and over, in files of a million, each a shard."""
    folder.mkdir()
    for first in range(0, rows, ROWS_A_SHARD):
        file = folder / f"people-{first // ROWS_A_SHARD:03}.parquet"
        repeated(job.parquet, file, min(ROWS_A_SHARD, rows - first), first=first)
    return folder


def measured(source: Path, home: Path, bundle: Path, address: str, *, number: int) -> Round:
    """Seconds of both, the first call and the second; who begins changes from round to round.

    Raises SystemExit if one fails, or both do not write the same bytes.
    """
    found: Round = {}
    ways: tuple[tuple[str, list[str]], ...] = ((HERE_ALONE, []), (ON_RAY, [address]))
    for name, more in ways[:: -1 if number % 2 else 1]:
        target = home / name
        shutil.rmtree(target, ignore_errors=True)
        for each in (FIRST, AGAIN):
            (target / each).mkdir(parents=True)
        command = [sys.executable, "-m", "benchmarks.batch.ray_cluster.call", str(source), str(target), str(bundle)]
        done = subprocess.run([*command, *more], cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name}: ended with {done.returncode}: {done.stderr}")
        found[name] = said(done.stdout, "JOB")
    known = Left.of(home / HERE_ALONE / FIRST)
    for name, each in ((HERE_ALONE, AGAIN), (ON_RAY, FIRST), (ON_RAY, AGAIN)):
        if unlike := Left.of(home / name / each).differences(known):
            raise SystemExit(f"{name}, {each}: {', '.join(unlike)}")
    return found


def rounds(
    source: Path, home: Path, bundle: Path, address: str, *, count: int, say: Callable[[str], None]
) -> list[Round]:
    """So many of them, after one that brings the files into the kernel's cache."""
    for file in source.iterdir():
        pq.read_table(file, columns=["id"])
        file.read_bytes()
    found = []
    for number in range(count):
        found.append(measured(source, home, bundle, address, number=number))
        told = (f"{name} {', '.join(f'{each:.1f} s' for each in took.values())}" for name, took in found[-1].items())
        say(f"{number + 1} of {count}: {'; '.join(told)}")
    return found
