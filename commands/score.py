"""`fulcrum score`: tables of rows answered."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from commands.answering import SHIPPED, SOME_REFUSED, answered, complaints, screen

if TYPE_CHECKING:
    from models.scorer import Scorer
    from models.turn import Setting
    from serving.batch.engines.engine import Engine
    from serving.batch.job import Progress as Now
    from serving.batch.run import Run

POINTS = (
    'a point of the bundle by its name, a threshold, or a contract such as "recall >= 0.95";'
    " of two models screen=... and presurgical=..."
)


def score(
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN", help="a CSV, Parquet or Arrow file, a folder of them, a pattern, or the address of a store"
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="OUT", help="the .csv, .parquet or .arrow file to write, or a folder for a file a shard"
        ),
    ],
    bundle: Annotated[
        Path, typer.Option(help="the folder of the model, or the one that holds screen/ and presurgical/ for both")
    ] = SHIPPED / "screen",
    strict: Annotated[bool, typer.Option("--strict", help="stop at the first bad row")] = False,
    operating_point: Annotated[list[str] | None, typer.Option(help=POINTS)] = None,
    prevalence: Annotated[float | None, typer.Option(help="state probabilities where this share is sick")] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="carry this column along, and only those named so; else all are")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="write over the shards of another job in the folder OUT")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="the cores of this machine, or a Ray cluster")
    ] = "local",
    address: Annotated[
        str | None, typer.Option(help="of a running Ray cluster; else the one Ray finds, or one of this machine")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="cores to use; else all")] = None,
) -> None:
    """Score tables: every good row gets `probability`, `positive` and `decision`, every bad one a line in OUT.refused.

    Other columns are carried along. Memory does not grow with the files. Each file of the result appears whole or not
    at all, and last of all OUT.manifest.json; the same command goes on where a killed job was.
    """
    with _loading():
        from serving.batch.job import score_files

    with answered():
        scorers, settings = _asked(bundle, operating_point or [], prevalence)
        with _shown() as progress:
            found = score_files(
                scorers,
                source,
                target,
                strict=strict,
                setting=settings,
                keep=keep,
                overwrite=overwrite,
                engine=_engine(engine, address, workers),
                progress=progress,
            )
        _say(found)
    if found.counts.refused:
        raise typer.Exit(SOME_REFUSED)


@contextmanager
def _loading() -> Iterator[None]:
    """Modules are loaded without looking for garbage among what they are made of: a tenth of the time."""
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()


def _asked(bundle: Path, points: list[str], prevalence: float | None) -> tuple[list[Scorer], list[Setting]]:
    """The models of a folder, and where each is to work."""
    from models.bundle import MANIFEST, open_bundle
    from models.errors import BadInput, Refusal
    from models.scorer import Scorer
    from models.turn import Setting

    roles = ("screen", "presurgical")
    both = not (bundle / MANIFEST).exists() and all((bundle / role / MANIFEST).exists() for role in roles)
    if not both:
        if len(points) > 1:
            raise BadInput([Refusal("operating_point", "should be given once for one model", f"{len(points)}")])
        return [Scorer(open_bundle(bundle))], [Setting.told(points[0] if points else None, prevalence)]
    told = dict.fromkeys(roles, "")
    for point in points:
        role, is_, value = point.partition("=")
        if not is_ or role not in told or told[role]:
            rule = "should be screen=... or presurgical=..., each once, for two models"
            raise BadInput([Refusal("operating_point", rule, point)])
        told[role] = value
    scorers = [Scorer(open_bundle(bundle / role)) for role in roles]
    return scorers, [Setting.told(told[role] or None, prevalence) for role in roles]


def _engine(name: str, address: str | None, workers: int | None) -> Engine:
    if name == "ray":
        from serving.batch.engines.on_ray import OnRay

        return OnRay(address=address, tasks=workers)
    from serving.batch.engines.local import Local

    return Local(workers)


@contextmanager
def _shown() -> Iterator[Callable[[Now], None] | None]:
    """Rows, rows a second and the time left, on a terminal; a script would get an empty line of it."""
    if not complaints.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    bar = Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[rows]:,} rows  {task.fields[pace]:,.0f} rows/s "),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=complaints,
        transient=True,
    )
    task = bar.add_task("", total=1.0, rows=0, pace=0.0)
    first: list[int] = []  # What was done before is no pace of now.

    def told(now: Now) -> None:
        first.append(now.tally.read) if not first else None
        rows, seconds = now.tally.read, bar.tasks[0].elapsed or 1.0
        bar.update(task, completed=now.share, rows=rows, pace=(rows - first[0]) / seconds)

    with bar:
        yield told


def _say(found: Run) -> None:
    """What became of all rows, by each model, and where it is written."""
    for model in found.models:
        counts = model.counts
        parts = [f"{counts.positive:,} positive", f"{counts.negative:,} negative"]
        parts += [f"{counts.indeterminate:,} indeterminate"] if counts.indeterminate else []
        parts += [f"{counts.refused:,} refused"]
        screen.print(f"{model.model}: {counts.read:,} rows = {' + '.join(parts)}", soft_wrap=True)
    if found.pathway:
        ways = f"{found.pathway.clear:,} clear + {found.pathway.refer:,} refer + {found.pathway.operate:,} operate"
        screen.print(f"both: {found.pathway.read:,} rows = {ways} + {found.pathway.refused:,} refused", soft_wrap=True)
    where = f" in {len(found.outputs):,} shards" if len(found.outputs) > 1 else ""
    refused = f" Refused rows: {found.refused}." if found.refused else ""
    screen.print(f"Wrote {found.target}{where}.{refused}", soft_wrap=True)
