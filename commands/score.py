"""`fulcrum score`: a file of rows answered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.answering import SHIPPED, SOME_REFUSED, answered, complaints, screen


def score(
    source: Annotated[Path, typer.Argument(metavar="IN", help="a CSV or Parquet file")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="the CSV or Parquet file to write")],
    bundle: Annotated[Path, typer.Option(help="the folder of the model")] = SHIPPED / "screen",
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first bad row and write nothing")] = False,
    operating_point: Annotated[
        str | None,
        typer.Option(help='a point of the bundle by its name, a threshold, or a contract such as "recall >= 0.95"'),
    ] = None,
    prevalence: Annotated[float | None, typer.Option(help="state probabilities where this share is sick")] = None,
) -> None:
    """Score a file: every good row gets `probability` and `positive`, every bad one a reason in a side file.

    Other columns are carried through. Memory does not grow with the file, and OUT appears whole or not at all.
    """
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from models.bundle import open_bundle
    from models.scorer import Scorer
    from models.turn import Setting
    from serving.batch import score_file

    with answered():
        scorer = Scorer(open_bundle(bundle))
        setting = Setting.told(operating_point, prevalence)
        bar = Progress(
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=complaints,
            transient=True,
            # A script would get an empty line of it.
            disable=not complaints.is_terminal,
        )
        with bar:
            task = bar.add_task("rows", total=None, state="0 rows")
            found = score_file(
                scorer,
                source,
                target,
                strict=strict,
                setting=setting,
                progress=lambda counts: bar.update(task, state=f"{counts.read:,} rows"),
            )
        counts = found.counts
        screen.print(
            f"{scorer.bundle.name}: {counts.read:,} rows = {counts.positive:,} positive + {counts.negative:,} negative"
            + (f" + {counts.indeterminate:,} indeterminate" if counts.indeterminate else "")
            + f" + {counts.refused:,} refused",
            soft_wrap=True,
        )
        screen.print(
            f"Wrote {target}." + (f" Refused rows: {found.refused}." if counts.refused else ""), soft_wrap=True
        )
    if counts.refused:
        raise typer.Exit(SOME_REFUSED)
