"""A program is watched from its start to its end."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.batch.measuring import Failed, memory, run, said

WORK = """
import subprocess, sys, time
held = bytearray(b"x") * 80_000_000
subprocess.run([sys.executable, "-c", "import time; held = bytearray(b'x') * 80_000_000; time.sleep(0.5)"])
print('JOB {"seconds": 0.25}')
"""


def test_the_memory_of_all_processes_counts_and_the_program_says_how_long_its_job_took(tmp_path: Path) -> None:
    cost = run([sys.executable, "-c", WORK], tmp_path / "log")
    assert cost.megabytes > 160
    assert cost.call == 0.25
    assert cost.seconds > 0.5 > cost.call
    assert cost.cpu > 0


def test_a_program_that_fails_is_told_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(Failed) as told:
        run([sys.executable, "-c", "print('why'); raise SystemExit(3)"], tmp_path / "log")
    assert str(told.value) == f"ended with 3; see {tmp_path / 'log'}"
    assert (tmp_path / "log").read_text() == "why\n"


def test_pages_of_files_are_no_memory_of_a_process() -> None:
    status = "Name:\tx\nVmRSS:\t  900 kB\nRssAnon:\t     300 kB\nRssFile:\t     500 kB\nRssShmem:\t     100 kB\n"
    assert memory(status) == (300, 100)
    assert memory("Name:\tkthread\n") == (0, 0)


def test_what_a_program_says_last_counts_wherever_it_begins() -> None:
    assert said('JOB {"seconds": 1}\n[Stage 1]   JOB {"seconds": 2}\nDONE', "JOB") == {"seconds": 2}
    assert said("nothing", "JOB") == {}
