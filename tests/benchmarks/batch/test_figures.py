"""Ratios are taken within a round."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.batch.figures import Measured, ratio
from benchmarks.batch.programs import CALL, COMMAND, PARQUET


def line(number: int, program: str, **figures: Any) -> dict[str, Any]:
    return {"round": number, "job": PARQUET, "program": program, **figures}


def limits(number: int, slower: float = 1.0) -> dict[str, Any]:
    stages = {"read": 1.0, "encode": 0.5, "inference": 6.0, "write": 0.5}
    return line(number, "limits", **{stage: slower * seconds for stage, seconds in stages.items()})


def test_a_round_in_which_all_is_slow_changes_no_ratio() -> None:
    found = [
        each
        for number, slower in enumerate((1.0, 3.0, 1.1))
        for each in (
            limits(number, slower),
            line(number, CALL, seconds=5 * slower, call=4.4 * slower),
            line(number, "pandas", seconds=15 * slower, call=None),
        )
    ]
    measured = Measured(found, PARQUET, rows=100, cores=2)
    assert measured.to_limit(CALL) == pytest.approx(1.1)
    assert measured.times("pandas", CALL) == pytest.approx(3.0)
    assert measured.limits() == pytest.approx({0: 4.0, 1: 12.0, 2: 4.4})
    assert measured.names == [CALL, "pandas"]


def test_a_program_of_fewer_rounds_is_compared_in_those() -> None:
    assert ratio({1: 8.0}, {0: 1.0, 1: 2.0, 2: 100.0}) == 4.0
    assert str(ratio({0: 1.0}, {1: 1.0})) == "nan"


def test_a_program_that_failed_is_told_and_not_compared() -> None:
    measured = Measured(
        [line(0, COMMAND, seconds=1.0), line(0, "engine", failed="ended with 1")], PARQUET, rows=1, cores=1
    )
    assert measured.names == [COMMAND]
    assert measured.failed == {"engine": "ended with 1"}
    assert str(measured.times("engine", COMMAND)) == "nan"
