"""`fulcrum report`: the evidence of a bundle as a page and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.answering import answered, screen


def report(
    bundle: Annotated[Path, typer.Argument(help="the folder of a bundle, such as models/covid/screen")],
    out: Annotated[Path | None, typer.Option(help="by default report/<study>/<model>, here")] = None,
) -> None:
    """Write all that is known of a model: report.html for people, report.json for programs.

    Promise and certificate, what was measured, calibration, net benefit, subgroups, changes, and what reporting
    guidelines ask for; every number with the digests of its cases. The same bundle gives the same bytes.
    """
    from models.bundle import open_bundle
    from models.report.report import write_report

    with answered():
        opened = open_bundle(bundle)
        for file in write_report(opened, out or Path("report") / opened.name):
            screen.print(f"Wrote {file}", soft_wrap=True)
