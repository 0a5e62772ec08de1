"""`fulcrum audit`: whether the log of decisions is what was written, and whether a decision comes out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from commands.answering import WRONG, answered, complaints, screen

audit = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
FOLDER = Annotated[
    Path, typer.Argument(help="the folder of the logs, FULCRUM_DECISIONS of the service", exists=True, file_okay=False)
]


@audit.callback()
def about() -> None:
    """Verify the log of decisions, or make one of them again. Exit code 1: not what was written, or not the same."""


@audit.command()
def verify(
    folder: FOLDER,
    store: Annotated[
        str | None,
        typer.Option(help="verify the changes of the operating point too: sqlite:///FILE or postgresql+psycopg://..."),
    ] = None,
    anchor: Annotated[Path | None, typer.Option(help="a file of lines that `fulcrum audit anchor` printed")] = None,
) -> None:
    """Find whatever was altered, taken out, put in, moved, cut off or is missing in the logs of a folder.

    Each problem is a line: file and line, the rule, and what was got. A service may go on writing meanwhile.
    """
    from rich.progress import DownloadColumn, Progress, TimeElapsedColumn

    from serving.decisions.anchor import Anchors
    from serving.decisions.verify import verify as verified

    with answered():
        anchors = None if anchor is None else Anchors.read(anchor)
        total = sum(file.stat().st_size for file in folder.glob("*.jsonl"))
        bar = Progress(
            DownloadColumn(),
            TimeElapsedColumn(),
            console=complaints,
            transient=True,
            disable=not complaints.is_terminal,
        )
        with bar:
            task = bar.add_task("bytes", total=total)
            found = verified(folder, anchors=anchors, progress=lambda read: bar.advance(task, read))
        problems, more = found.problems, found.more_problems
        if store is not None:
            from serving.decisions.history import verify_store

            changes, wrong = verify_store(store, found.used)
            problems = [*problems, *wrong]
            screen.print(f"{changes:,} changes of the operating point")
    screen.print(f"{found.decisions:,} answers in {found.files:,} files", soft_wrap=True)
    for note in found.notes:
        screen.print(note, soft_wrap=True)
    for problem in problems:
        complaints.print(str(problem), soft_wrap=True)
    if problems:
        complaints.print(f"{len(problems) + more:,} problems" + (f", {more:,} of them not shown" if more else ""))
        raise typer.Exit(WRONG)
    screen.print("All is as it was written.")


@audit.command()
def anchor(folder: FOLDER) -> None:
    """Print how far the logs reach now, a line to keep where nobody who may write to the folder can.

    `fulcrum audit verify --anchor` finds by it what was cut off or written anew since.
    """
    from serving.decisions.anchor import anchor as anchored

    with answered():
        typer.echo(anchored(folder))


@audit.command()
def replay(
    folder: FOLDER,
    name: Annotated[
        str, typer.Argument(metavar="ID[.ROW]", help="the id of an answer, or one of its rows, counted from 0")
    ],
    bundles: Annotated[Path, typer.Option(help="a folder of bundles; the one that decided is found by its digest")],
    inputs: Annotated[
        Path | None,
        typer.Option(help="the rows as they were asked, JSON, CSV or Parquet, where the log did not keep them"),
    ] = None,
) -> None:
    """Make a decision again, from the bundle and at the point that its line names, and say whether it is the same.

    Rows of a file are used only if they are those that were decided on, by their SHA-256.
    """
    from serving.decisions.replay import replay as again
    from serving.decisions.runtime import runtime

    with answered():
        found = again(folder, name, bundles, inputs=inputs)
    record = found.found.record
    grid = Table("row", "model", "decision", "probability", "again", "", title=found.found.where, title_justify="left")
    for each in found.again:
        now = f"{each.decision_now} {each.probability_now!r}"
        grid.add_row(
            str(each.row), each.model, each.decision, repr(each.probability), now, "same" if each.equal else "OTHER"
        )
    screen.print(grid)
    by = f" for {record.by}" if record.by else ""
    screen.print(
        f"{record.id}: answered at {record.at}{by} by {found.found.runtime}; made again by {runtime()}.", soft_wrap=True
    )
    for difference in found.differences:
        complaints.print(str(difference), soft_wrap=True)
    if not found.equal:
        raise typer.Exit(WRONG)
    screen.print("Every probability and every decision is the same, to the last bit.")
