"""`fulcrum init`: a study file from somebody's own table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.answering import answered, need_training, screen


def init(
    table: Annotated[Path, typer.Argument(help="your CSV or Parquet file, a header and one row a case")],
    target: Annotated[str, typer.Option(help="the column that says who is sick")],
    positive: Annotated[str, typer.Option(help="the cell of that column that means sick")],
    group: Annotated[
        str | None, typer.Option(help="the column that names the patient, if one has several rows")
    ] = None,
    recall: Annotated[
        float | None, typer.Option(help="that the screen should promise; by default the highest the table may carry")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(help="that the pre-surgical model should promise; by default as for recall")
    ] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(help="where that precision is promised; by default the share of positives in the table"),
    ] = None,
    confidence: Annotated[float, typer.Option(help="of both promises")] = 0.9,
    searched: Annotated[
        float, typer.Option(help="share of the rows by which `fulcrum train --search` may choose; not certified on")
    ] = 0.0,
    drop: Annotated[list[str] | None, typer.Option(help="a column the model must not see; repeatable")] = None,
    name: Annotated[str | None, typer.Option(help="of the study; by default the table's")] = None,
    out: Annotated[Path | None, typer.Option(help="the study file; by default <name>.py, here")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a study file that is there")] = False,
) -> None:
    """Write a ready-to-train study file for your own table.

    Kinds, ranges, categories and empty cells are read off the table; the file is plain Python, meant to be read
    and corrected before `fulcrum train` runs it.
    """
    need_training()
    from training.init import Asked, identifier, study_text

    with answered():
        name = identifier(name or table.stem)
        file = out or Path(f"{name}.py")
        if file.exists() and not force:
            raise typer.BadParameter(f"{file} is there already; --force replaces it.")
        asked = Asked(
            recall=recall, precision=precision, confidence=confidence, prevalence=prevalence, searched=searched
        )
        text = study_text(table, target=target, positive=positive, name=name, group=group, drop=drop or (), asked=asked)
        file.write_text(text, encoding="utf-8")
        screen.print(f"Wrote {file}. Read it, correct it, then: fulcrum train {file}", soft_wrap=True)
