"""Arithmetic of what was measured: every ratio is taken within a round, and the median of them counts.

Other work on the machine slows a whole round, so that seconds of two rounds can not be compared, but their ratios can.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.batch.limits import STAGES

LIMITS = "limits"


class Measured:
    """The rounds of one job: `found` holds a line a program and round, and one of the limits a round."""

    def __init__(self, found: list[dict[str, Any]], kind: str, *, rows: int, cores: int) -> None:
        self._found = [each for each in found if each["job"] == kind]
        self.rows, self.cores = rows, cores

    @classmethod
    def of(cls, run: dict[str, Any], kind: str) -> Measured:
        """One job of what a run of `python -m benchmarks.batch` has kept."""
        return cls(run["found"], kind, rows=run["rows"][kind], cores=run["cores"])

    @property
    def names(self) -> list[str]:
        """The programs that did the job, the fastest first."""
        names = dict.fromkeys(each["program"] for each in self._found if "seconds" in each)
        return sorted(names, key=lambda name: self.median(name, "seconds"))

    @property
    def failed(self) -> dict[str, str]:
        """The programs that did not, and how they ended."""
        return {each["program"]: each["failed"] for each in self._found if "failed" in each}

    def rounds(self, program: str, figure: str) -> dict[int, float]:
        """A figure by round, where it was measured."""
        alike = (each for each in self._found if each["program"] == program)
        return {each["round"]: each[figure] for each in alike if each.get(figure) is not None}

    def limits(self, figure: str = "") -> dict[int, float]:
        """Seconds of the whole limit by round, on all cores; or of one of its stages, on one."""
        if figure:
            return self.rounds(LIMITS, figure)
        stages = [self.rounds(LIMITS, stage) for stage in STAGES]
        return {number: sum(stage[number] for stage in stages) / self.cores for number in stages[0]}

    def median(self, program: str, figure: str) -> float:
        """Of the rounds; NaN if there is none."""
        return median(self.rounds(program, figure))

    def to_limit(self, program: str) -> float:
        """The job of a program, without its imports, over the limit."""
        return ratio(self.rounds(program, "call"), self.limits())

    def times(self, slower: str, faster: str, figure: str = "seconds") -> float:
        """How many times as long a program takes as another."""
        return ratio(self.rounds(slower, figure), self.rounds(faster, figure))

    def agreement(self, program: str) -> dict[str, Any] | None:
        """How far its answers are from Fulcrum's; None if they were not compared."""
        found = [each["agreement"] for each in self._found if each["program"] == program and "agreement" in each]
        return found[-1] if found else None


def median(values: dict[int, float]) -> float:
    """Of what there is; NaN of nothing."""
    return float(np.median(list(values.values()))) if values else float("nan")


def ratio(above: dict[int, float], below: dict[int, float]) -> float:
    """The median of the ratios of the rounds that both took part in.

    >>> ratio({0: 2.0, 1: 9.0, 2: 4.0}, {0: 1.0, 1: 3.0})
    2.5
    """
    return median({number: above[number] / below[number] for number in above if number in below})
