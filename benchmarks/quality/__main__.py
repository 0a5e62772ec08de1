"""`python -m benchmarks.quality` runs every peer on every table; `python -m benchmarks.quality page` writes what came out.

One file a run; those that are there are not run again, so it can be stopped and started anew.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.quality import peer, table
from benchmarks.quality.running import Asked, run
from benchmarks.quality.runs import file_of
from benchmarks.quality.splits import REPEATS

OUT = Path("out/quality")
app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def main(  # noqa: PLR0917  # the options of a command
    context: typer.Context,
    peers: Annotated[str, typer.Option(help="these alone, with commas between")] = "",
    tables: Annotated[str, typer.Option(help="these alone, with commas between")] = "",
    repeats: Annotated[str, typer.Option(help="these alone, with commas between")] = ",".join(map(str, range(REPEATS))),
    jobs: Annotated[int, typer.Option(min=1, help="processes, of one thread each")] = 2,
    out: Annotated[Path, typer.Option(help="folder of the runs")] = OUT,
) -> None:
    """Run what has not been run yet, and say how far it is."""
    if context.invoked_subcommand:
        return
    out.mkdir(parents=True, exist_ok=True)
    # The processes that are started, and the commands that those start, compute with one thread each.
    os.environ |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    known = {name: peer.find_peer(name) for name in peers.split(",") if name} or {
        name: peer.find_peer(name) for name in peer.names()
    }
    there = [name for name in tables.split(",") if name] or table.names()
    asked = [(of, int(repeat), name) for repeat in repeats.split(",") for of in there for name in known]
    left = [each for each in asked if not file_of(out, *each).exists()]
    print(f"{len(asked) - len(left)} of {len(asked)} runs are there.", flush=True)
    first = [each for each in left if not known[each[2]].needs]
    second = [each for each in left if known[each[2]].needs]
    failures: list[Asked] = []
    begin, done = time.monotonic(), 0
    # Fresh processes every so often, for libraries keep memory.
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=100) as pool:
        for part in (first, second):
            for each, said in pool.imap_unordered(partial(run, out=out), part):
                done += 1
                failures += [each] if said.startswith("failed") else []
                minutes = (time.monotonic() - begin) / 60
                print(f"[{done}/{len(left)}, {minutes:.1f} min] {' '.join(map(str, each))}: {said}", flush=True)
    if failures:
        print(f"{len(failures)} runs failed: {', '.join('/'.join(map(str, each)) for each in failures)}.")
        raise typer.Exit(1)


@app.command()
def page(
    out: Annotated[Path, typer.Option(help="folder of the runs")] = OUT,
    docs: Annotated[Path, typer.Option(help="folder of quality.md, quality.svg and quality.csv")] = Path("docs"),
) -> None:
    """Write what came out of the runs that there are."""
    from benchmarks.quality.page import write  # noqa: PLC0415  # runs do not need it

    write(out, docs)
    print(f"{docs / 'quality.md'}")


if __name__ == "__main__":
    app()
