"""Ten thousand million rows on paper: what they take, from what a few million took.

Every shard is done by itself, so rows a second grow with the cores until something else binds: the store, that has to give
and take so many bytes a second, or the one driver, which hashes the files first and books each shard.
"""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks import section
from benchmarks.batch.figures import Measured
from benchmarks.batch.job import Job, people
from benchmarks.batch.programs import COMMAND
from models.bundle import open_bundle
from models.scorer import Scorer
from serving.batch.job import score_files
from serving.batch.place import Place
from serving.batch.shard import SHARD_BYTES, SHARD_ROWS

ROWS, CORES, CORES_A_MACHINE = 10**10, (8, 64, 512), 8
TINY_SHARDS = 100


@dataclass(frozen=True)
class Costs:
    """Of a row seconds of a core, and bytes in the file and in the result; `hashed` bytes a second and core.

    `shard` is seconds of a shard beside its rows, of whoever does it and of whoever books it together.
    """

    cpu: float
    read: float
    written: float
    hashed: float
    shard: float

    @classmethod
    def of(cls, about: dict[str, float], parquet: Measured) -> Costs:
        """What a run of `python -m benchmarks.batch` has kept: the command's processor time includes its start."""
        return cls(parquet.median(COMMAND, "cpu") / parquet.rows, **about)


@dataclass(frozen=True)
class Plan:
    """So many rows on so many cores."""

    costs: Costs
    cores: int
    rows: int = ROWS

    @property
    def shards(self) -> int:
        """As the batch scorer cuts, if row groups are small beside a shard."""
        return math.ceil(self.rows * max(1 / SHARD_ROWS, self.costs.read / SHARD_BYTES))

    @property
    def machines(self) -> int:
        return math.ceil(self.cores / CORES_A_MACHINE)

    @property
    def hashing(self) -> float:
        """Seconds in which the driver's machine alone hashes the files; in a store nothing is hashed."""
        return self.rows * self.costs.read / self.costs.hashed / min(self.cores, CORES_A_MACHINE)

    @property
    def scoring(self) -> float:
        """Seconds of all cores; the last shard of each may keep the others waiting."""
        return math.ceil(self.shards / self.cores) * self.rows / self.shards * self.costs.cpu

    @property
    def booking(self) -> float:
        """Seconds of the driver at the most, while the others score."""
        return self.shards * self.costs.shard

    @property
    def seconds(self) -> float:
        """Of the whole job, where the store gives what it has to."""
        return self.hashing + max(self.scoring, self.booking)

    @property
    def bandwidth(self) -> float:
        """Bytes a second that the store gives and takes while all cores score."""
        return self.rows * (self.costs.read + self.costs.written) / max(self.scoring, self.booking)

    @property
    def bound(self) -> str:
        """What takes the most of the time."""
        parts = {"scoring": self.scoring, "the driver's hashing": self.hashing, "the driver's booking": self.booking}
        return max(parts, key=lambda name: parts[name])


def measured(job: Job, answers: Path, folder: Path) -> dict[str, float]:
    """What is known of a job beside its time, once it has its answers; needs some seconds of the machine."""
    return {
        "read": job.parquet.stat().st_size / job.rows,
        "written": answers.stat().st_size / job.rows,
        "hashed": _hashed(job.parquet),
        "shard": _shard(job, folder),
    }


def section_of(run: dict[str, Any], parquet: Measured) -> list[str]:
    """The section of the page, if the run has measured what it needs."""
    if "scaling" not in run or not parquet.names:
        return []
    costs = Costs.of(run["scaling"], parquet)
    told = (
        f"On paper, from this run: a row takes {costs.cpu * 1e6:.2f} microseconds of a core, so a core does {1 / costs.cpu:,.0f} a"
        f" second; it is {costs.read:.0f} bytes in the file and {costs.written:.0f} in the result. A core hashes"
        f" {costs.hashed / 1e6:,.0f} MB a second; in a store nothing is hashed. A shard costs {costs.shard * 1e3:.1f} ms beside its"
        f" rows. Machines have {CORES_A_MACHINE} cores. Nothing was run at this size."
    )
    head = [
        "cores",
        "machines",
        "whole",
        "scoring",
        "hashing",
        "booking",
        "shards",
        "the store gives and takes",
        "bound by",
    ]
    return [f"## {ROWS:,} rows, on paper", told, section.table(head, [_line(Plan(costs, cores)) for cores in CORES])]


def _line(plan: Plan) -> list[str]:
    times = (plan.seconds, plan.scoring, plan.hashing, plan.booking)
    return [
        f"{plan.cores:,}",
        f"{plan.machines:,}",
        *(f"{seconds / 3600:.2f} h" for seconds in times),
        f"{plan.shards:,}",
        f"{plan.bandwidth / 1e6:,.0f} MB/s",
        plan.bound,
    ]


def _hashed(file: Path) -> float:
    """Bytes a second that one core reads, from memory, and hashes."""
    begun = time.perf_counter()
    Place(str(file)).digest()
    return file.stat().st_size / (time.perf_counter() - begun)


def _shard(job: Job, folder: Path) -> float:
    """Seconds of a shard of one row, of many."""
    source, target = folder / "tiny", folder / "tiny-answers"
    for place in (source, target):
        shutil.rmtree(place, ignore_errors=True)
    source.mkdir(parents=True)
    for number in range(TINY_SHARDS):
        pq.write_table(people(number, 1), source / f"part-{number:04d}.parquet")
    scorer, begun = Scorer(open_bundle(job.bundle)), time.perf_counter()
    score_files(scorer, source, target)
    return (time.perf_counter() - begun) / TINY_SHARDS
