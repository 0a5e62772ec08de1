"""`fulcrum verify`: whether bundles are whole and answer as recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from commands.answering import UNSOUND, answered, screen


def verify(
    bundles: Annotated[list[Path], typer.Argument(help="folders of bundles, such as models/covid/screen")],
) -> None:
    """Check that bundles are whole and answer on this machine as they did where they were made.

    Every digest, graph against manifest, figures against the curve, recorded rows against fresh answers.
    """
    from models.bundle import open_bundle
    from models.verify import verify as checks

    passed = True
    with answered():
        for folder in bundles:
            bundle = open_bundle(folder)
            grid = Table(
                "", "check", "found", title=f"{bundle.name}: {bundle.manifest.point.in_words}", title_justify="left"
            )
            for check in checks(bundle):
                grid.add_row("ok" if check.passed else "WRONG", check.name, check.found)
                passed &= check.passed
            screen.print(grid)
    if not passed:
        raise typer.Exit(UNSOUND)
