"""`python -m benchmarks.batch`: the batch scorer beside other ways to score a file, and beside the limit of the machine."""

from __future__ import annotations

import itertools
import json
import os
import platform
import random
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.batch import limits, page, scaling
from benchmarks.batch.agreement import answers, compared
from benchmarks.batch.figures import LIMITS
from benchmarks.batch.job import ROWS, Job, prepared
from benchmarks.batch.measuring import Failed, run
from benchmarks.batch.programs import COMMAND, CSV, PARQUET, PROGRAMS, Program
from benchmarks.serving.job import SYMPTOMS

OUT = Path("out") / "batch"
# Of each job in a round, for those that are compared closely: within a minute a machine is now faster, now slower.
TURNS = 3
screen = Console()


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="of everything")] = 3,
    rows: Annotated[int, typer.Option(min=1000, help="of Parquet; a fifth of them as CSV")] = ROWS,
    only: Annotated[str, typer.Option(help="programs whose name holds one of these, with commas between")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="the slowest peers in the first round alone")] = False,
    out: Annotated[Path, typer.Option(help="folder of the model, the people and of what was measured")] = OUT,
    docs: Annotated[Path, typer.Option(help="folder of batch-performance.md and .svg")] = Path("docs"),
) -> None:
    """Measure all programs in turn, several times in another order, and write the page."""
    job = prepared(out, rows)
    file, results = out / "measured.json", job.parquet.parent / "results"
    results.mkdir(exist_ok=True)
    found: list[dict[str, Any]] = []
    about: dict[str, Any] = {"machine": machine(), "cores": os.cpu_count()}
    about["rows"] = {PARQUET: job.rows, CSV: job.rows_of_csv}

    def keep(*lines: dict[str, Any]) -> None:
        found.extend(lines)
        file.write_text(json.dumps({**about, "found": found}, indent=1))

    failed: set[tuple[str, str]] = set()
    asked = {kind: [program for program in programs if _named(program, only)] for kind, programs in PROGRAMS.items()}
    for number, kind, turn in _turns(rounds):
        programs = [program for program in asked[kind] if program.close or turn % TURNS == 0]
        screen.print(f"{number + 1} of {rounds}, {kind}: {LIMITS}")
        source = job.csv if kind == CSV else job.parquet
        seconds = limits.measured(source, results / f"limits.{kind}", job.model)
        keep({"round": turn, "job": kind, "program": LIMITS, **seconds})
        for program in random.Random(turn).sample(programs, len(programs)):
            if (program.slow and quick and number) or (kind, program.name) in failed:
                continue
            screen.print(f"{number + 1} of {rounds}, {kind}: {program.name}")
            cost = _run(program, job, kind, results)
            keep({"round": turn, "job": kind, "program": program.name, **cost})
            if "failed" in cost:
                failed.add((kind, program.name))
    for kind, programs in asked.items():
        answered = [program for program in programs if (kind, program.name) not in failed]
        keep(*_agreements(kind, answered, results))
    ours = next((program for program in asked[PARQUET] if program.name == COMMAND), None)
    if ours is not None:
        about["scaling"] = scaling.measured(job, ours.target(results, PARQUET), results)
        keep()
    page.write(out, docs)


def _turns(rounds: int) -> Iterator[tuple[int, str, int]]:
    """Each round, its jobs, and which turn of its job each is."""
    for number, kind, turn in itertools.product(range(rounds), PROGRAMS, range(TURNS)):
        yield number, kind, number * TURNS + turn


def _named(program: Program, only: str) -> bool:
    """Whether it is asked for and can be run."""
    wanted = not only or any(part in program.name for part in only.split(","))
    if wanted and not program.there:
        screen.print(f"[yellow]left out: {program.name}: its environment is not there (make bench-batch)[/]")
    return wanted and program.there


def _run(program: Program, job: Job, kind: str, results: Path) -> dict[str, Any]:
    """What one program costs; that of an engine may fail, and is told then."""
    source, target = program.source(job, kind), program.target(results, kind)
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)
    try:
        return asdict(run(program.command(job, source, target), target.with_suffix(".log")))
    except Failed as error:
        if program.ours:
            raise SystemExit(f"{program.name}: {error}") from None
        screen.print(f"[red]{program.name}: {error}[/]")
        # Where its log is, is of no interest on the page.
        return {"failed": str(error).partition(";")[0]}


def _agreements(kind: str, programs: list[Program], results: Path) -> list[dict[str, Any]]:
    """How far what everybody wrote last is from what Fulcrum's command wrote."""
    ours = [program for program in programs if program.name == COMMAND]
    if not ours:
        return []
    known = answers(ours[0].target(results, kind), SYMPTOMS)
    return [
        {
            "job": kind,
            "program": program.name,
            "agreement": compared(answers(program.target(results, kind), SYMPTOMS), known, SYMPTOMS),
        }
        for program in programs
    ]


def machine() -> str:
    """What all of it ran on."""
    named = [line.partition(":")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    kind = named[0].strip() if named else platform.processor()
    return f"{os.cpu_count()} cores of {kind}, Python {platform.python_version()}"


if __name__ == "__main__":
    typer.run(main)
