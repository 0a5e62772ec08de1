"""`fulcrum compare`: whether weighting, or another loss, changes anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.answering import REFUSED, answered, complaints, need_training, screen

if TYPE_CHECKING:
    from models.comparison import Comparison
    from training.run import Loaded
    from training.study import Study


def compare(
    study: Annotated[str, typer.Argument(help="a shipped study (covid, breast) or the path of a study file")],
    out: Annotated[Path, typer.Option(help="the comparison goes to OUT/<study>")] = Path("out"),
    seeds: Annotated[int, typer.Option(min=2, help="how often everything is dealt and trained anew")] = 5,
    jobs: Annotated[int, typer.Option(min=1, help="processes that train side by side")] = 1,
    search: Annotated[
        float | None, typer.Option(min=0, metavar="MINUTES", help="look for better models instead, so long at most")
    ] = None,
    only: Annotated[str | None, typer.Option(help="with --search: look for this model of the study alone")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="with --search: write over the study found before")
    ] = False,
) -> None:
    """Compare a study's models with one unweighted model of two thresholds, and with every loss there is.

    Same data, same budget, same seeds; the test part is never used. Writes comparison.json, .md and .svg, which
    `fulcrum train` then stores with the bundles. What was trained is kept: an interrupted comparison goes on.

    With --search, Optuna chooses losses, weights and network in the operating region, on the training and the
    validation part alone, and the best become a study file. A search that is asked for again goes on.
    """
    need_training()
    from training.run import load
    from training.study import find_study

    if search is None and (only or replace):
        raise typer.BadParameter("--only and --replace go with --search.")
    with answered():
        asked = find_study(study)
        loaded = load(asked)
        if search is not None:
            searched(
                asked, loaded, out / asked.name, named=study, minutes=search, jobs=jobs, only=only, replace=replace
            )
            return
        found = _compare(asked, loaded, out / asked.name, named=study, seeds=seeds, jobs=jobs)
    command = f"fulcrum compare {study} --seeds {seeds}"
    _show(found, out / asked.name, command)


def _compare(study: Study, loaded: Loaded, folder: Path, *, named: str, seeds: int, jobs: int) -> Comparison:
    """The comparison, with a bar that says how far it is."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from training.comparing.compare import compare as compared

    columns = (TextColumn("models trained"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"))
    with Progress(*columns, TimeElapsedColumn(), console=complaints) as bar:
        task = bar.add_task("", total=None, state="starting")

        def told(total: int, state: str) -> None:
            bar.update(task, total=total, advance=1, state=state)

        found = compared(study, loaded, folder / "cells", named=named, seeds=seeds, jobs=jobs, told=told)
        bar.update(task, state="compared")
    return found


def _show(found: Comparison, folder: Path, command: str) -> None:
    """Page, picture and value in the folder; table and verdicts on the screen."""
    from rich.table import Table

    from models.comparison import write_comparison
    from training.comparing.forest import draw
    from training.comparing.page import page

    folder.mkdir(parents=True, exist_ok=True)
    picture, document = folder / "comparison.svg", folder / "comparison.md"
    draw(found, picture)
    document.write_text(page(found, picture.name, command=command), encoding="utf-8")
    value = write_comparison(found, folder)
    grid = Table("candidate", *map(str, found.figures), title=f"{found.study}, {found.basis}", title_justify="left")
    for each in found.candidates:
        cells = (f"{one.value:.4f} ({one.difference})" if one.difference else f"{one.value:.4f}" for one in each.found)
        grid.add_row(each.name, *cells)
    screen.print(grid)
    for line in found.words:
        screen.print(line, soft_wrap=True)
    for name, why in found.refused.items():
        complaints.print(f"{name}: could not be trained. {why}", soft_wrap=True)
    for file in (value, document, picture):
        screen.print(f"Wrote {file}", soft_wrap=True)


def searched(
    study: Study,
    loaded: Loaded,
    folder: Path,
    *,
    named: str,
    minutes: float,
    jobs: int,
    only: str | None,
    replace: bool = False,
) -> Path:
    """Search each model in its share of the time, and write the study of the best: the file of it."""
    from training.comparing.search import search
    from training.comparing.searched import write_study

    file = folder / f"{study.name}_searched.py"
    if file.exists() and not replace:
        complaints.print(f"{file}: is there already; --replace writes over it.", soft_wrap=True)
        raise typer.Exit(REFUSED)
    best = search(
        study,
        loaded,
        folder,
        named=named,
        seconds=60 * minutes,
        jobs=jobs,
        only=only,
        told=lambda line: complaints.print(line, soft_wrap=True),
    )
    for each in best:
        screen.print(f"{each}", soft_wrap=True)
    write_study(named, [each.model for each in best], file)
    screen.print(f"Wrote {file}", soft_wrap=True)
    return file
