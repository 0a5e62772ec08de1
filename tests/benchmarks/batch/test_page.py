"""The page says what was measured beside what is asked, and nothing of what was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.batch import page
from benchmarks.batch.figures import LIMITS
from benchmarks.batch.programs import CALL, COMMAND, CSV, PARQUET, PROGRAMS, RAY

SAME = {"rows": 10, "lost": 0, "twice": 0, "ordered": True, "probability": 0.0, "symptoms": 0.0, "flips": 0}
# Seconds of the whole process; Fulcrum's call says 0.5 less.
SECONDS = {COMMAND: 5.0, CALL: 4.9}


def run(rounds: int = 3) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for kind, programs in PROGRAMS.items():
        for number in range(rounds):
            stages = {"read": 0.4, "encode": 0.4, "inference": 6.0, "write": 0.2}
            found.append({"round": number, "job": kind, "program": LIMITS, **stages})
            for program in programs:
                if number and program.slow:
                    continue
                seconds = SECONDS.get(program.name, 20.0)
                call = None if program.name == COMMAND else seconds - 0.5
                cost = {"seconds": seconds, "cpu": 9.0, "megabytes": 300.0, "call": call}
                found.append({"round": number, "job": kind, "program": program.name, **cost})
        found += [{"job": kind, "program": program.name, "agreement": SAME} for program in programs]
    return {
        "machine": "2 cores of a machine",
        "cores": 2,
        "rows": {PARQUET: 5_000_000, CSV: 1_000_000},
        "found": found,
    }


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "measured.json").write_text(json.dumps(run()))
    return tmp_path


def written(out: Path) -> str:
    page.write(out, out / "docs")
    return (out / "docs" / page.PAGE).read_text()


def test_the_page_tells_all_programs_the_limit_and_what_is_asked(out: Path) -> None:
    text = written(out)
    assert "Measured on 2 cores of a machine." in text
    assert f"| {COMMAND} | 5.00 s | 1,000,000 | 1.00 |  |  | 9.0 s | 300 MB |  |" in text
    assert f"| {CALL} | 4.90 s | 1,020,408 | 0.98 | 4.40 s | 1.26 | 9.0 s | 300 MB | to the last bit |" in text
    assert "The limit is 3.50 s on 2 cores, 1,428,571 rows a second;" in text
    assert "5,000,000 rows, 3 rounds, PySpark (mapInArrow) in 1, Ray Data (map_batches) in 1." in text
    asked = text.split("## What is asked")[1].split("##")[0]
    assert "| Parquet: the job, times the limit | 1.26 | at most 1.20 |" in asked
    assert f"| Parquet: whole, times as fast as {RAY} | 4.00 | at least 5 |" in asked
    assert asked.count("| CSV: ") == 2
    assert (out / "docs" / page.PICTURE).read_text().startswith("<?xml")


def test_memory_and_photographs_are_told_once_they_were_measured(out: Path) -> None:
    assert "## Memory" not in written(out)
    memory = [{"turn": 0, "rows": rows, "megabytes": held, "seconds": 9.0} for rows, held in ((10, 200), (500, 210))]
    (out / page.MEMORY).write_text(json.dumps(memory))
    photographs = [{"photographs": 500, "alone": 10.0, "whole": 8.5, "call": call} for call in (9.0, 9.5, 9.9)]
    (out / page.PHOTOGRAPHS).write_text(json.dumps(photographs))
    text = written(out)
    assert "| 500 | 210 MB | 9.0 s |" in text
    assert "| memory of 500 rows, times that of 10 | 1.05 | at most 1.1 |" in text
    assert "| photographs: times as fast as looking at them in process | 0.95 | at least 0.9 |" in text


def test_a_run_of_some_programs_says_nothing_of_the_others(out: Path) -> None:
    some = run()
    some["found"] = [each for each in some["found"] if each["job"] == CSV and each["program"] in {COMMAND, LIMITS}]
    (out / "measured.json").write_text(json.dumps(some))
    text = written(out)
    assert "## Parquet to Parquet" not in text
    assert "at least" not in text.split("## What is asked")[1]


def test_faults_and_the_cluster_are_told_once_they_were_tried(out: Path) -> None:
    assert "## When something breaks" not in written(out)
    broken = {"name": "disk full", "tried": 3, "told": "refused", "amiss": ["a row was lost"]}
    (out / page.FAULTS).write_text(json.dumps({"rows": 8000, "found": [broken]}))
    took = [{"local": {"first": 10.0, "again": 9.0}, "ray": {"first": 11.0 + late, "again": 9.0}} for late in (0, 9, 0)]
    killed = {"name": "a node killed", "tried": 10, "told": "it ended", "amiss": []}
    on_ray = {"rows": 2_000_000, "killed_rows": 600_000, "start": 8.04, "rounds": took, "kills": [killed]}
    (out / page.ON_RAY).write_text(json.dumps(on_ray))
    text = written(out)
    assert "| disk full | 3 | refused | 1 |" in text
    assert "| a node killed | 10 | it ended | 0 |" in text
    assert "| the call of a new process, whose workers have to begin | 10.0 s | 11.0 s | 1.10 |" in text
    assert "the cluster itself began in 8.0 s before" in text
    assert "| a cluster: seconds, times those of one process | 1.10 | at most 1.15 |" in text
    assert "| of 13 faults, something that was amiss | 1 | 0 |" in text
