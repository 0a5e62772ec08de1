"""`fulcrum tune`: the operating point made anew for a site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from commands.answering import answered, screen

if TYPE_CHECKING:
    from models.differences import Tuned


def tune(
    bundle: Annotated[Path, typer.Argument(help="the folder of the model")],
    source: Annotated[Path, typer.Argument(metavar="SITE", help="a CSV or Parquet file of the site's people")],
    target: Annotated[str | None, typer.Option(help="the column that says who is sick; none: no labels")] = None,
    positive: Annotated[str | None, typer.Option(help="the cell of that column that means sick")] = None,
    contract: Annotated[str | None, typer.Option(help='such as "recall >= 0.95"; by default the bundle\'s own')] = None,
    prevalence: Annotated[
        str | None,
        typer.Option(help="auto, or the share of the sick; by default the contract's, else from labels or scores"),
    ] = None,
    site: Annotated[str | None, typer.Option(help="name of the site; by default the file's")] = None,
    reason: Annotated[str | None, typer.Option(help="why there is a new version, for its history")] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder of the new version; with labels by default BUNDLE-<site>-v<version>")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="the column that names the patient, if one has several rows")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="answer in JSON")] = False,
) -> None:
    """Make a bundle's operating point anew for a site, without training, as the next version of the bundle.

    With labels the contract is certified on the site's own rows. Without, the prevalence is estimated from the
    scores and what the released point does there is shown; with --out the contract is certified for it on the
    bundle's own cases. The old version stays as it is, and network and calibration are never touched.
    """
    from models import site as sites
    from models.bundle import open_bundle
    from models.contract import Contract
    from models.labelled import read_site
    from models.retune import next_folder, told

    if (target is None) != (positive is None):
        raise typer.BadParameter("--target and --positive go together.")
    if contract and target is None and out is None:
        raise typer.BadParameter("--contract is for a new version: say with --out where it goes.")
    with answered():
        share, asked, old = told(prevalence), Contract.read(contract) if contract else None, open_bundle(bundle)
        site = site or source.name.partition(".")[0]
        if target is not None and out is None:
            out = next_folder(old, site)
        if out is not None and out.exists():
            raise typer.BadParameter(f"{out} is there already, and no version is written over another.")
        rows = read_site(source, old.manifest.columns, target=target, positive=positive, group=group)
        found = sites.tune(old, rows, contract=asked, prevalence=share, site=site, reason=reason, out=out)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    _show(found, old.name, len(rows))


def _show(tuned: Tuned, name: str, rows: int) -> None:
    """What the released point does at a site, what is different in the version for it, and what to know of that."""
    if tuned.elsewhere:
        at = tuned.elsewhere.figures
        grid = Table("prevalence", *(f"{each.prevalence:.4f}" for each in at), title=name, title_justify="left")
        for figure in ("recall", "specificity", "precision", "npv", "flagged"):
            grid.add_row(figure, *(str(getattr(each, figure)) for each in at))
        screen.print(f"Prevalence among {rows:,} rows: {tuned.elsewhere.prevalence}", soft_wrap=True)
        screen.print(grid)
    if tuned.differences:
        grid = Table("", "old", "new", title=name, title_justify="left")
        for line in tuned.differences.lines:
            grid.add_row(*line)
        screen.print(grid)
        screen.print(
            f"{tuned.differences.changed:,} of {rows:,} rows are answered otherwise. Wrote {tuned.folder}.",
            soft_wrap=True,
        )
    for note in tuned.notes:
        screen.print(note, soft_wrap=True)
