"""Every fault, and which tests should notice those of a file."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant
from benchmarks.mutants.faults import (
    answering,
    asking,
    carrying,
    certifying,
    hot,
    jobs,
    learning,
    looking,
    measuring,
    pathways,
    serving,
    sites,
    tables,
)

FAMILIES = (
    certifying,
    asking,
    measuring,
    carrying,
    answering,
    tables,
    jobs,
    pathways,
    sites,
    serving,
    hot,
    looking,
    learning,
)
MUTANTS: list[Mutant] = [mutant for family in FAMILIES for mutant in family.MUTANTS]
TESTS: dict[str, list[str]] = {file: tests for family in FAMILIES for file, tests in family.TESTS.items()}
