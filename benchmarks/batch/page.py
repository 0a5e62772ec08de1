"""What was measured, as a page; `python -m benchmarks.batch.page` writes it anew from what was kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks import section
from benchmarks.batch import picture, scaling
from benchmarks.batch.agreement import told
from benchmarks.batch.asked import asked
from benchmarks.batch.faults import told as faults
from benchmarks.batch.figures import Measured, median
from benchmarks.batch.limits import STAGES
from benchmarks.batch.programs import COMMAND, CSV, PARQUET
from benchmarks.batch.ray_cluster import told as ray_cluster

PAGE, PICTURE = "batch-performance.md", "batch-performance.svg"
MEMORY, PHOTOGRAPHS = "memory.json", "photographs.json"
FAULTS, ON_RAY = "faults.json", "ray_cluster.json"
HEADS = {PARQUET: "Parquet to Parquet", CSV: "CSV to CSV"}
INTRODUCTION = """# How fast a file is scored

A file of people in, a file of answers out: `fulcrum score` beside other ways to do the same, as `make bench-batch` measures
it: what stands in one table took turns in one run.

Everybody runs the same ONNX file in the same runtime: 23 columns, a network of 23-256-256-128, a calibrated probability, a
decision and three symptoms. A person is an id, 20 numbers (ten of 32 bits, ten of 64) and three categories of 40, 5 and 12
kinds; a hundredth of the cells is empty. Parquet comes compressed by snappy in row groups of 131,072, and for engines as 20
files; CSV is the first fifth of the same people. An answer is the id, probability, positive, decision and the symptoms.

Fulcrum looks at every cell before it is scored, has a reason for every row that it refuses, writes the BLAKE3 of both files
beside the answers, and lets them appear whole or not at all. Since it has looked, it spares the graph's own look at the
cells, a tenth of its time, and goes through the rest by shorter ways to the same bits. The peers check nothing."""
MEANING = """What the figures mean:

- *whole*: seconds from the start of the process to its end, imports and the start of an engine included. *Rows a second*
  and *times Fulcrum's* are of it.
- *job*: seconds without imports and without loading the model where that is done first; an engine's start is part of it.
- *the limit*: what reading, coding, inference and writing cost in processor time, one after the other on one thread with
  nothing around them and nothing checked, by the graph neither, shared out to all cores.
- *memory*: the most that all processes of a program held at once, their own and what they share, looked at five times a
  second; pages of files that the kernel keeps are not counted.
- *same answers*: row by row, joined by id, beside those of `fulcrum score`.

All files were in the kernel's cache. The limits and all programs take turns, in another order in every round; ratios are
taken within a round, since other work on a machine slows a whole round, and the median of the rounds is shown."""


def write(out: Path, docs: Path) -> None:
    """Write `batch-performance.md` and draw its picture, from what was kept in a folder."""
    told_by_run = json.loads((out / "measured.json").read_text())
    measured = {kind: Measured.of(told_by_run, kind) for kind in HEADS}
    memory, photographs, broken, on_ray = (kept(out / name) for name in (MEMORY, PHOTOGRAPHS, FAULTS, ON_RAY))
    parts = [
        INTRODUCTION,
        f"Measured on {told_by_run['machine']}.",
        f"![Rows a second of each program, and the limit]({PICTURE})",
        *(part for kind, each in measured.items() if each.names for part in _job(HEADS[kind], each)),
        *_memory(memory),
        *_photographs(photographs),
        *faults.part(broken),
        *ray_cluster.part(on_ray),
        *scaling.section_of(told_by_run, measured[PARQUET]),
        "## What is asked",
        section.table(["what", "measured", "asked"], asked(measured, memory, photographs, broken, on_ray)),
        "## How it was measured",
        MEANING,
    ]
    docs.mkdir(parents=True, exist_ok=True)
    (docs / PAGE).write_text("\n\n".join(parts) + "\n")
    picture.draw({HEADS[kind]: each for kind, each in measured.items() if each.names}, docs / PICTURE)


def kept(file: Path) -> Any:
    """What another program of this folder has measured; nothing if it was not run."""
    return json.loads(file.read_text()) if file.exists() else {}


def _job(head: str, measured: Measured) -> list[str]:
    counts = {name: len(measured.rounds(name, "seconds")) for name in measured.names}
    rounds = max(counts.values())
    lines = [[name, *_line(measured, name)] for name in measured.names]
    columns = [
        "program",
        "whole",
        "rows a second",
        "times Fulcrum's",
        "job",
        "job / limit",
        "CPU",
        "memory",
        "same answers",
    ]
    fewer = [f"{name} in {count}" for name, count in counts.items() if count < rounds]
    failed = [f"{name} ({how})" for name, how in measured.failed.items()]
    return [
        f"## {head}",
        f"{measured.rows:,} rows, {_times(rounds)}{', ' + ', '.join(fewer) if fewer else ''}.",
        *([f"Failed: {'; '.join(failed)}."] if failed else []),
        section.table(columns, lines),
        _limits(measured),
    ]


def _times(rounds: int) -> str:
    return f"{rounds} rounds" if rounds > 1 else "one round"


def _line(measured: Measured, name: str) -> list[str]:
    # The command is what all others are compared with.
    agreement = None if name == COMMAND else measured.agreement(name)
    return [
        f"{measured.median(name, 'seconds'):.2f} s",
        f"{measured.rows / measured.median(name, 'seconds'):,.0f}",
        f"{measured.times(name, COMMAND):.2f}",
        *(
            [f"{measured.median(name, 'call'):.2f} s", f"{measured.to_limit(name):.2f}"]
            if name != COMMAND
            else ["", ""]
        ),
        f"{measured.median(name, 'cpu'):.1f} s",
        f"{measured.median(name, 'megabytes'):,.0f} MB",
        "" if agreement is None else told(agreement),
    ]


def _limits(measured: Measured) -> str:
    whole, rows = median(measured.limits()), measured.rows
    stages = ", ".join(f"{stage} {median(measured.limits(stage)):.2f} s" for stage in STAGES)
    text = f"The limit is {whole:.2f} s on {measured.cores} cores, {rows / whole:,.0f} rows a second; of the processor, {stages}."
    together = measured.limits("inference on all cores")
    return (
        f"{text} Where all cores infer at once, inference takes {median(together):.2f} s of it." if together else text
    )


def _memory(found: list[dict[str, Any]]) -> list[str]:
    if not found:
        return []
    lines = [
        [f"{each['rows']:,}", f"{each['megabytes']:,.0f} MB", f"{each['seconds']:.1f} s"]
        for each in sorted(found, key=lambda each: each["rows"])
    ]
    told_first = "`fulcrum score`, Parquet to Parquet, the same people with other ids over and over:"
    return ["## Memory", told_first, section.table(["rows", "memory", "whole"], lines)]


def _photographs(found: list[dict[str, Any]]) -> list[str]:
    if not found:
        return []
    count = found[0]["photographs"]
    alone, call = (float(np.median([each[figure] for each in found])) for figure in ("alone", "call"))
    text = (
        f"{count:,} photographs of 512 x 512, EfficientNet-Lite0, {_times(len(found))}: as many threads of one process as there"
        f" are cores decode and look at {alone:.1f} a second; the batch scorer, given a CSV file that lists them, {call:.1f}."
    )
    return ["## Photographs", text]


def main(
    out: Annotated[Path, typer.Option(help="folder of what was measured")] = Path("out") / "batch",
    docs: Annotated[Path, typer.Option(help="folder of the page")] = Path("docs"),
) -> None:
    """Write the page."""
    write(out, docs)


if __name__ == "__main__":
    typer.run(main)
