"""`python -m benchmarks.batch.faults`: is a row lost, doubled or torn when something breaks while a file is scored?

Each time it is a process of `fulcrum score`, and some of the people are bad, so that there are refusals to be lost too. It is
killed at random moments, its disk is full or may not be written to, its files are changed, or a second job writes to the
same place. What is there in the end is compared byte by byte with what a job leaves that nothing befell, and whoever looks
before that must find whole files only. Exit with 1 if anything is amiss. A fault that this machine can not have (no root for
a small disk) is said to be left out.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.batch import page
from benchmarks.batch.faults import disk, others
from benchmarks.batch.faults.kills import killed
from benchmarks.batch.faults.people import written
from benchmarks.batch.faults.work import Found, Work
from benchmarks.batch.job import bundle_in
from benchmarks.faults.disk import LeftOut

OUT = Path("out") / "batch"
FILES = 8
# Of the kills, so many befall a job whose result is one file, and one of text; the others one of a folder of Parquet.
A_FIFTH = 5
screen = Console(highlight=False, markup=False)


def main(
    *,
    kills: Annotated[int, typer.Option(min=1, help="how often a job is killed")] = 50,
    pairs: Annotated[int, typer.Option(min=1, help="how often two jobs begin at once")] = 5,
    rows: Annotated[int, typer.Option(min=8000, help="of a job")] = 1_000_000,
    only: Annotated[str, typer.Option(help="faults whose name holds this")] = "",
    seed: Annotated[int, typer.Option(help="of the random moments")] = 1,
    out: Annotated[Path, typer.Option(help="folder of the model and of what was found")] = OUT,
) -> None:
    """Break one thing after the other; `python -m benchmarks.batch.page` puts it on the page."""
    bundle = bundle_in(out)
    found: list[Found] = []
    with tempfile.TemporaryDirectory(dir=out.resolve(), prefix="faults-") as name:
        for fault in _faults(Path(name), bundle, kills=kills, pairs=pairs, rows=rows, seed=seed):
            if only not in fault.name:
                continue
            screen.print(fault.name)
            try:
                found.append(fault.happen())
            except LeftOut as why:
                found.append(Found(fault.name, 0, f"left out: {why}"))
            screen.print(f"  {found[-1].told}; {len(found[-1].amiss)} amiss", soft_wrap=True)
    lines: dict[str, Any] = {"rows": rows, "found": [asdict(each) for each in found]}
    (out / page.FAULTS).write_text(json.dumps(lines, indent=1))
    amiss = [f"{each.name}: {problem}" for each in found for problem in each.amiss]
    for problem in amiss:
        screen.print(problem, style="red", soft_wrap=True)
    screen.print(f"{len(amiss)} amiss")
    raise SystemExit(1 if amiss else 0)


@dataclass(frozen=True)
class _Fault:
    name: str
    happen: Callable[[], Found]


def _faults(folder: Path, bundle: Path, *, kills: int, pairs: int, rows: int, seed: int) -> list[_Fault]:
    """Each with the work that it befalls."""
    tables, texts = (written(folder / kind[1:], rows=rows, files=FILES, ending=kind) for kind in (".parquet", ".csv"))
    home, moments, say = folder / "home", random.Random(seed), screen.print
    parts = Work("a folder of Parquet", tables, bundle, home, "answers")
    one = Work("one file of Parquet", tables, bundle, home, "answers.parquet")
    text = Work("a folder of CSV", texts, bundle, home, "answers")
    few = max(1, kills // A_FIFTH)
    often = ((parts, max(1, kills - 2 * few)), (one, few), (text, few))
    return [
        *(_Fault(f"kill -9, {work.name}", partial(killed, work, count, moments, say)) for work, count in often),
        *(_Fault(f"disk full, {work.name}", partial(disk.full, work)) for work in (parts, one, text)),
        _Fault(f"disk read-only, {parts.name}", partial(disk.read_only, parts)),
        _Fault("input changed between two runs", partial(others.changed_between, parts)),
        _Fault("input changed during the run", partial(others.changed_meanwhile, parts)),
        *(
            _Fault(f"two jobs at once, {work.name}", partial(others.two_at_once, work, pairs, moments, say))
            for work in (parts, one)
        ),
    ]


if __name__ == "__main__":
    typer.run(main)
