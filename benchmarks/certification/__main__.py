"""`python -m benchmarks.certification` certifies by every rule 2,000 times at each prevalence.

It writes what came out to docs/certification.md and docs/certification.svg, and exits with 1 if promises are broken
more often than allowed or a certified threshold does worse than one of MAPIE 1.6.0 on the same cases.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.certification import mapie_way
from benchmarks.certification.page import page
from benchmarks.certification.picture import draw
from benchmarks.certification.repeats import MAPIE, Result, run
from benchmarks.certification.worlds import worlds
from models.errors import NoData


def main(
    *,
    repeats: Annotated[int, typer.Option(min=1, help="certifications of each rule at each prevalence")] = 2000,
    seed: Annotated[int, typer.Option(help="another seed draws other people")] = 20260101,
    out: Annotated[Path, typer.Option(help="folder of certification.md and certification.svg")] = Path("docs"),
    processes: Annotated[int, typer.Option(min=1, help="so many at once")] = min(os.cpu_count() or 1, 8),
) -> None:
    """Certify drawn people over and over, and count broken promises."""
    console = Console()
    try:
        mapie_way.mapie()
    except NoData as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    results = list(run(worlds(), repeats, seed, processes))
    out.mkdir(parents=True, exist_ok=True)
    (out / "certification.md").write_text(page(results, repeats, seed))
    draw(results, out / "certification.svg")
    wrong = faults(results)
    console.print(
        "\n".join(wrong or [f"Nothing wrong in {len(results)} times {repeats:,} certifications."]), markup=False
    )
    if wrong:
        raise typer.Exit(1)


def faults(results: list[Result]) -> list[str]:
    """What should not be, in words."""
    broken = [f"{result.world.name}: broken more often than allowed." for result in results if not result.sound]
    behind = [
        f"{result.world.name}: worse than {way}."
        for result in results
        for way in MAPIE
        if way in result.outcomes and result.behind(way)
    ]
    return broken + behind


if __name__ == "__main__":
    typer.run(main)
