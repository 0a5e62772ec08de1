"""`python -m benchmarks.batch.ray_cluster`: the batch scorer on a Ray cluster of this machine, beside the threads of one process.

The cluster has a head that does no work and two nodes of one core each, as many processes as on as many machines. The same
shards are scored by both in turn; then workers, whole nodes and the job's own process are killed while a smaller job runs,
and what is there in the end is compared byte by byte with what is there if nobody is killed. Exit with 1 if anything is amiss.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.batch import page
from benchmarks.batch.faults.people import written
from benchmarks.batch.faults.work import Found, Work
from benchmarks.batch.job import ROWS, prepared
from benchmarks.batch.ray_cluster.cluster import Cluster, running
from benchmarks.batch.ray_cluster.kills import Kills, killed
from benchmarks.batch.ray_cluster.overhead import Round, rounds, shards

OUT = Path("out") / "batch"
MANY, KILLED_ROWS, KILLED_FILES = 20_000_000, 600_000, 6
# Of so many kills of workers and nodes, one more befalls a job.
A_FIFTH = 5
screen = Console(highlight=False, markup=False)


def main(
    *,
    rows: Annotated[
        int, typer.Option(min=0, help="of the job that is measured, in shards of a million; 0 for none")
    ] = MANY,
    turns: Annotated[int, typer.Option(min=1, help="of both")] = 3,
    kills: Annotated[int, typer.Option(min=0, help="of workers and nodes; a fifth as many of jobs")] = 20,
    killed_rows: Annotated[int, typer.Option(min=6000, help="of each job in which something is killed")] = KILLED_ROWS,
    people: Annotated[int, typer.Option(min=1000, help="people that the measured rows are made of")] = ROWS,
    out: Annotated[Path, typer.Option(help="folder of the people and of what was measured")] = OUT,
) -> None:
    """Measure and kill; `python -m benchmarks.batch.page` puts it on the page."""
    job = prepared(out, people)
    found: dict[str, Any] = {"rows": rows, "killed_rows": killed_rows}
    with tempfile.TemporaryDirectory(dir=out.resolve(), prefix="ray-") as name:
        folder = Path(name)
        source = shards(job, folder / "shards", rows)
        begun = time.perf_counter()
        with running() as cluster:
            found["start"] = time.perf_counter() - begun
            screen.print(f"the cluster began in {found['start']:.1f} s")
            took: list[Round] = []
            if rows:
                took = rounds(source, folder, job.bundle, cluster.address, count=turns, say=screen.print)
            harm = _harm(cluster, folder, job.bundle, kills, killed_rows) if kills else []
    found |= {"rounds": took, "kills": [asdict(each) for each in harm]}
    (out / page.ON_RAY).write_text(json.dumps(found, indent=1))
    amiss = [f"{each.name}: {problem}" for each in harm for problem in each.amiss]
    for problem in amiss:
        screen.print(problem, style="red", soft_wrap=True)
    screen.print(f"{len(amiss)} amiss")
    raise SystemExit(1 if amiss else 0)


def _harm(cluster: Cluster, folder: Path, bundle: Path, kills: int, rows: int) -> list[Found]:
    people = written(folder / "people", rows=rows, files=KILLED_FILES)
    home, engine = folder / "home", ("--engine", "ray", "--address", cluster.address)
    here, there = (Work("a job", people, bundle, home, "answers", each) for each in ((), engine))
    return killed(Kills(cluster, here, there), parts=kills, jobs=max(1, kills // A_FIFTH), say=screen.print)


if __name__ == "__main__":
    typer.run(main)
