"""The arithmetic of a job that nobody has run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.batch import scaling
from benchmarks.batch.figures import Measured
from benchmarks.batch.programs import COMMAND, PARQUET
from benchmarks.batch.scaling import Costs, Plan

COSTS = Costs(cpu=1.5e-6, read=100, written=40, hashed=500e6, shard=0.01)


def test_scoring_is_shared_by_the_cores_and_hashing_by_those_of_one_machine() -> None:
    few, many = Plan(COSTS, 8), Plan(COSTS, 512)
    assert few.shards == 9537  # of 1,048,576 rows
    assert few.scoring == pytest.approx(1e10 * 1.5e-6 / 8, rel=0.001)
    assert many.scoring == pytest.approx(19 * 1e10 / 9537 * 1.5e-6)  # no core does half a shard
    assert (few.hashing, many.hashing) == (pytest.approx(250), pytest.approx(250))
    assert (few.machines, many.machines) == (1, 64)
    assert few.seconds == pytest.approx(few.hashing + few.scoring)
    assert few.bandwidth == pytest.approx(140e10 / few.scoring)


def test_what_takes_longest_is_named() -> None:
    assert Plan(COSTS, 8).bound == "scoring"
    assert Plan(replace(COSTS, hashed=1e6), 512).bound == "the driver's hashing"
    assert Plan(replace(COSTS, shard=1.0), 512).bound == "the driver's booking"


def test_wide_rows_make_shards_by_their_bytes() -> None:
    assert Plan(replace(COSTS, read=1024), 8).shards == 38147  # of 256 MiB


def test_the_section_says_what_it_was_made_of() -> None:
    line = {"round": 0, "job": PARQUET, "program": COMMAND, "seconds": 5.0, "cpu": 7.5}
    measured = Measured([line], PARQUET, rows=5_000_000, cores=2)
    about = {"read": 100.0, "written": 40.0, "hashed": 500e6, "shard": 0.01}
    head, told, table = scaling.section_of({"scaling": about}, measured)
    assert head == "## 10,000,000,000 rows, on paper"
    assert "a row takes 1.50 microseconds of a core, so a core does 666,667 a second" in told
    assert "| 8 | 1 | 0.59 h | 0.52 h | 0.07 h | 0.03 h | 9,537 | 746 MB/s | scoring |" in table
    assert scaling.section_of({}, measured) == []
