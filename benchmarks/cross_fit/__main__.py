"""`python -m benchmarks.cross_fit` certifies cross-fitted models of thousands of drawn tables, and counts what is kept.

What was tried is kept in a file, and goes on where it was stopped. It writes docs/cross-fitting.md and .svg, and exits
with 1 if promises are broken more often than allowed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from benchmarks.cross_fit.page import page, wrong
from benchmarks.cross_fit.picture import draw
from benchmarks.cross_fit.tables import Tried, numbered

KEPT = "tables.jsonl"


def main(
    *,
    tables: Annotated[int, typer.Option(min=1, help="tables to draw, train on and certify")] = 2000,
    docs: Annotated[Path, typer.Option(help="folder of cross-fitting.md and cross-fitting.svg")] = Path("docs"),
    out: Annotated[Path, typer.Option(help="folder of what was tried")] = Path("out/cross-fit"),
    processes: Annotated[int, typer.Option(min=1, help="so many at once")] = min(os.cpu_count() or 1, 8),
) -> None:
    """Train, certify, and look what is true of it."""
    out.mkdir(parents=True, exist_ok=True)
    console, file = Console(), out / KEPT
    known = dict(read(file))
    missing = [seed for seed in range(1, tables + 1) if seed not in known]
    with file.open("a", encoding="utf-8") as kept, multiprocessing.get_context("spawn").Pool(processes) as pool:
        for seed, found in track(pool.imap_unordered(numbered, missing), "tables", len(missing), console=console):
            known[seed] = found
            kept.write(json.dumps([seed, None if found is None else asdict(found)]) + "\n")
            kept.flush()
    results = [found for seed, found in sorted(known.items()) if seed <= tables and found is not None]
    (docs / "cross-fitting.md").write_text(page(results, tables), encoding="utf-8")
    draw(results, docs / "cross-fitting.svg")
    faults = wrong(results)
    console.print("\n".join(faults or [f"Nothing wrong in {len(results):,} tables."]), markup=False)
    if faults:
        raise typer.Exit(1)


def read(file: Path) -> Iterator[tuple[int, Tried | None]]:
    """What was tried before."""
    if not file.exists():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        seed, found = json.loads(line)
        yield seed, None if found is None else Tried.of(found)


if __name__ == "__main__":
    typer.run(main)
