"""Does a test fail when the code is wrong? `python -m benchmarks.mutants` breaks it in many ways and looks.

Each fault is put into a copy of the tree, one at a time, and the tests of that file run there. A fault that no test
notices survives; then, or if a fault's text is no longer to be found, the exit code is 1.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.mutants.faults import MUTANTS
from benchmarks.mutants.judging import verdicts


def main(
    *,
    workers: Annotated[int, typer.Option(min=1, help="faults tried at once")] = min(os.cpu_count() or 1, 4),
    only: Annotated[str, typer.Option(help="faults of files whose name holds this")] = "",
) -> None:
    """Break the code in many ways; every one should be noticed by a test."""
    chosen = [mutant for mutant in MUTANTS if only in mutant.file]
    table = Table("file", "fault", "fate", "by")
    found = list(track(verdicts(chosen, workers), "faults", len(chosen)))
    for verdict in found:
        colour = "green" if verdict.fate == "caught" else "red"
        table.add_row(verdict.mutant.file, verdict.mutant.why, f"[{colour}]{verdict.fate}[/]", verdict.by)
    Console().print(table)
    missed = sum(verdict.fate != "caught" for verdict in found)
    Console().print(f"{len(found) - missed} of {len(found)} faults caught.")
    if missed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
