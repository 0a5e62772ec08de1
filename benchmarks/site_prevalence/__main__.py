"""What tuning for a site can do, and where it can not.

`python -m benchmarks.site_prevalence` draws thousands of sites of which the truth is known, reads the real weeks of
April 2020, writes docs/site.md and docs/site.svg, and exits with 1 if an interval holds the truth too rarely or a
promise is broken too often.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.site_prevalence import estimating, retuning, weeks
from benchmarks.site_prevalence.estimating import Result
from benchmarks.site_prevalence.page import page
from benchmarks.site_prevalence.picture import draw
from benchmarks.site_prevalence.retuning import Retuned
from models.errors import NoData

SAME = 1e-6


def main(
    *,
    repeats: Annotated[int, typer.Option(min=1, help="unlabelled sites of each kind")] = 100,
    tuned: Annotated[int, typer.Option(min=1, help="labelled sites of each contract")] = 2000,
    seed: Annotated[int, typer.Option(help="another seed draws other people")] = 20260101,
    out: Annotated[Path, typer.Option(help="folder of site.md and site.svg")] = Path("docs"),
    bundles: Annotated[Path, typer.Option(help="folder of screen and presurgical")] = Path("models/covid"),
) -> None:
    """Tell prevalences without labels and certify with them, where the truth is known."""
    console = Console()
    weekly, transcript = _real(bundles, console)
    holds = list(estimating.run(estimating.where_it_holds(), repeats, seed))
    differs = list(estimating.run(estimating.where_it_does_not(), repeats, seed + 1))
    retuned = retuning.run(tuned, seed)
    out.mkdir(parents=True, exist_ok=True)
    text = page(holds, differs, weekly, retuned, transcript=transcript, repeats=repeats, seed=seed)
    (out / "site.md").write_text(text)
    draw(holds, weekly, out / "site.svg")
    console.print(text, soft_wrap=True, markup=False)
    wrong = faults(holds, retuned)
    for line in wrong:
        console.print(line, markup=False)
    if wrong:
        raise typer.Exit(1)


def _real(bundles: Path, console: Console) -> tuple[list[weeks.Week], list[str]]:
    """The weeks of April and a transcript; nothing, and that aloud, where the tests can not be had."""
    try:
        people = weeks.people()
    except NoData as error:
        console.print(f"Without the real weeks: {error}", markup=False)
        return [], []
    folders = [bundles / model for model in ("screen", "presurgical")]
    return weeks.weeks(people, folders), weeks.transcript(people, folders[1])


def faults(holds: Sequence[Result], retuned: Sequence[Retuned]) -> list[str]:
    """What should not be, in words."""
    rare = [f"{result.name}: the interval holds the truth too rarely." for result in holds if not result.sound]
    parted = [
        f"{result.name}: EM and Newton's steps part by {result.apart:.2g}." for result in holds if result.apart > SAME
    ]
    broken = [f"{one.contract}: broken more often than allowed." for one in retuned if not one.sound]
    return rare + parted + broken


if __name__ == "__main__":
    typer.run(main)
