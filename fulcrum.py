"""The command line: train, verify, score and serve screening models with a certified operating point."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.differences import Tuned
    from training.run import Loaded
    from training.study import Study

SHIPPED = Path(__file__).resolve().parent / "models" / "covid"
EXIT_CODES = """
Exit codes: 0 done; 2 wrong usage; 3 input, study or data refused; 4 a contract could not be certified;
5 a bundle or an export is not sound; 6 scored, but some rows were refused (they are in the side file).
"""
REFUSED, UNREACHABLE, UNSOUND, SOME_REFUSED = 3, 4, 5, 6

app = typer.Typer(
    name="fulcrum",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=f"Screening models with a tunable, certified operating point.\n\n{EXIT_CODES}",
)
# Without markup: a path may hold `[brackets]`.
screen = Console(highlight=False, markup=False)
complaints = Console(stderr=True, highlight=False, markup=False)


@app.command()
def init(
    table: Annotated[Path, typer.Argument(help="your CSV or Parquet file, a header and one row a case")],
    target: Annotated[str, typer.Option(help="the column that says who is sick")],
    positive: Annotated[str, typer.Option(help="the cell of that column that means sick")],
    group: Annotated[
        str | None, typer.Option(help="the column that names the patient, if one has several rows")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option(help="a column the model must not see; repeatable")] = None,
    name: Annotated[str | None, typer.Option(help="of the study; by default the table's")] = None,
    out: Annotated[Path | None, typer.Option(help="the study file; by default <name>.py, here")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a study file that is there")] = False,
) -> None:
    """Write a ready-to-train study file for your own table.

    Kinds, ranges, categories and empty cells are read off the table; the file is plain Python, meant to be read
    and corrected before `fulcrum train` runs it.
    """
    _need_training()
    from training.init import identifier, study_text

    with _answered():
        name = identifier(name or table.stem)
        file = out or Path(f"{name}.py")
        if file.exists() and not force:
            raise typer.BadParameter(f"{file} is there already; --force replaces it.")
        file.write_text(
            study_text(table, target=target, positive=positive, name=name, group=group, drop=drop or ()),
            encoding="utf-8",
        )
        screen.print(f"Wrote {file}. Read it, correct it, then: fulcrum train {file}", soft_wrap=True)


@app.command()
def train(
    study: Annotated[str, typer.Argument(help="a shipped study (covid, breast) or the path of a study file")],
    out: Annotated[Path, typer.Option(help="bundles go to OUT/<study>/<model>")] = Path("out"),
    only: Annotated[str | None, typer.Option(help="train this model of the study alone")] = None,
) -> None:
    """Train the models of a study, certify and export each, and measure it on the test part.

    Writes model.onnx, manifest.json and CARD.md a model, and a picture a study. A model whose contract its
    certification part does not carry is not written (exit code 4).
    """
    _need_training()
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from models.errors import BadStudy, Unreachable
    from training.fit import Epoch
    from training.run import load, run
    from training.study import find_study

    made, refused = [], []
    with _answered():
        asked = find_study(study)
        models = [model for model in asked.models if only in {None, model.name}]
        if not models:
            raise BadStudy(f"--only: should be one of {', '.join(model.name for model in asked.models)}, got {only}.")
        loaded = load(asked)
        bar = Progress(
            TextColumn("{task.description:12}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=complaints,
        )
        with bar:
            for model in models:
                task = bar.add_task(model.name, total=model.budget.epochs, state="starting")

                def progress(epoch: Epoch, task: object = task) -> None:
                    state = f"epoch {epoch.number}, loss {epoch.loss:.4f}, region {epoch.region:.4f}"
                    bar.update(task, completed=epoch.number, state=state)  # type: ignore[arg-type]  # rich's own id

                try:
                    result = run(asked, model, loaded, out, progress)
                except Unreachable as error:
                    refused.append(f"{asked.name}/{model.name}: {error}")
                    bar.update(task, state="refused: its contract can not be certified")
                else:
                    made.append(result)
                    bar.update(task, total=1, completed=1, state=f"kept epoch {result.fitted.kept.number}")
        joint = _pathway(asked, loaded, {each.bundle.manifest.model: each.bundle for each in made}, out / asked.name)
        if joint:
            screen.print(f"{joint}", soft_wrap=True)
        if made:
            _show([each.bundle for each in made], out / asked.name / "report.png")
    for line in refused:
        complaints.print(line, soft_wrap=True)
    if refused:
        raise typer.Exit(UNREACHABLE)


@app.command()
def verify(
    bundles: Annotated[list[Path], typer.Argument(help="folders of bundles, such as models/covid/screen")],
) -> None:
    """Check that bundles are whole and answer on this machine as they did where they were made.

    Every digest, graph against manifest, figures against the curve, recorded rows against fresh answers.
    """
    from models.bundle import open_bundle
    from models.verify import verify as checks

    passed = True
    with _answered():
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


@app.command()
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

    with _answered():
        opened = open_bundle(bundle)
        for file in write_report(opened, out or Path("report") / opened.name):
            screen.print(f"Wrote {file}", soft_wrap=True)


@app.command()
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
    with _answered():
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
    _show_tuned(found, old.name, len(rows))


@app.command()
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

    with _answered():
        scorer = Scorer(open_bundle(bundle))
        setting = Setting.told(operating_point, prevalence)
        bar = Progress(TextColumn("{task.fields[state]}"), TimeElapsedColumn(), console=complaints, transient=True)
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


@app.command()
def serve(
    bundles: Annotated[Path, typer.Option(help="the folder that holds screen/ and presurgical/")] = SHIPPED,
    host: Annotated[str, typer.Option(help="address to listen on; 0.0.0.0 for all of them")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 3000,
    access: Annotated[
        Path | None, typer.Option(help="who may turn the operating point: a file made by `fulcrum access`")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(help="where changes are kept: sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"),
    ] = None,
) -> None:
    """Serve two bundles over HTTP with BentoML: the page to turn them at /, POST /screen, /presurgical and /pathway.

    Bundles that are not sound are refused before the server starts (exit code 5). Everything is described at
    /docs.json.
    """
    from models.bundle import open_bundle

    with _answered():
        for name in ("screen", "presurgical"):
            open_bundle(bundles / name)
    home = str(Path(__file__).resolve().parent)
    os.environ.update(FULCRUM_BUNDLES=str(bundles.resolve()))
    if access is not None:
        os.environ.update(FULCRUM_ACCESS=str(access.resolve()))
    if store is not None:
        os.environ.update(FULCRUM_STORE=store)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    service = ["serve", "serving.service:Screening", "--host", host, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", *service])


@app.command()
def access(
    file: Annotated[Path, typer.Argument(help="the access file; made if it is not there")],
    name: Annotated[str, typer.Argument(help="of the person, as it will stand in the history")],
    role: Annotated[list[str], typer.Option(help="predict, tune or audit; repeatable")],
) -> None:
    """Let somebody in: adds a person to an access file and prints their token, which is kept nowhere else."""
    from serving.access import add_person

    with _answered():
        screen.print(add_person(file, name, role), soft_wrap=True)


@app.command()
def plan(
    contract: Annotated[str, typer.Argument(help='in words, such as "recall >= 0.95"')],
    recall: Annotated[float | None, typer.Option(help="expected of the model there; by default perfect")] = None,
    specificity: Annotated[float | None, typer.Option(help="expected of the model there; by default perfect")] = None,
    share: Annotated[
        float | None, typer.Option(help="of positives among the cases; by default the contract's prevalence")
    ] = None,
    assurance: Annotated[float, typer.Option(help="chance that such cases then carry the promise")] = 0.8,
) -> None:
    """How many cases a contract needs, before there are any: positives, negatives and the mistakes allowed."""
    from pydantic import ValidationError

    import models.manifest  # noqa: F401  # every contract is known by it
    from models.contract import Contract
    from models.errors import BadInput
    from models.plan import Expected, problems

    with _answered():
        try:
            expected = Expected(recall=recall, specificity=specificity, share=share, assurance=assurance)
        except ValidationError as error:
            raise BadInput(problems(error)) from None
        asked = Contract.read(contract)
        needs = asked.plan(expected)
        several = len({need.promise for need in needs}) > 1
        head = ("positives", "negatives", "misses", "alarms", "note")
        grid = Table(*(("promise",) if several else ()), *head, title=str(asked), title_justify="left")
        for need in needs:
            cells = (need.positives or None, need.negatives or None, need.allowed_misses, need.allowed_alarms)
            numbers = ("-" if cell is None else f"{cell:,}" for cell in cells)
            grid.add_row(*((need.promise,) if several else ()), *numbers, need.note)
        if not needs:
            complaints.print(f"{asked}: no number of cases would do for a model that is only so good.", soft_wrap=True)
            raise typer.Exit(UNREACHABLE)
        screen.print(grid)


def _show(bundles: list[Bundle], picture: Path) -> None:
    """What was made: a picture, a table, the files, and what to think twice about."""
    from training.report import draw
    from training.summary import empty_promise, summary

    manifests = [bundle.manifest for bundle in bundles]
    draw(manifests, picture)
    screen.print(summary(manifests))
    for bundle in bundles:
        screen.print(f"{bundle.folder}  {bundle.digest}", soft_wrap=True)
        if warning := empty_promise(bundle.manifest):
            complaints.print(warning, soft_wrap=True)
    screen.print(f"{picture}", soft_wrap=True)


def _show_tuned(tuned: Tuned, name: str, rows: int) -> None:
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


def _pathway(study: Study, loaded: Loaded, bundles: dict[str, Bundle], folder: Path) -> Path | None:
    """What both models do to the same people, written beside them; of other bundles than these it is taken away."""
    from models.joint import PATHWAY, write_joint
    from training.pair import pair

    if {"screen", "presurgical"} <= set(bundles):
        return write_joint(pair(study, loaded, bundles), folder)
    if bundles and (folder / PATHWAY).exists():
        (folder / PATHWAY).unlink()
        complaints.print(f"{folder / PATHWAY}: taken away, for it was of another pair of models.", soft_wrap=True)
    return None


def _need_training() -> None:
    """Say how to install what training needs, which a server does without."""
    if find_spec("torch") is None:
        complaints.print(
            "Training needs more than serving does: pip install 'fulcrum-screening[train]'", soft_wrap=True
        )
        raise typer.Exit(REFUSED)


@contextmanager
def _answered() -> Iterator[None]:
    """Turn what Fulcrum refuses into a line for a person and an exit code for a script."""
    from models.errors import BadBundle, FulcrumError, NotExported, Unreachable

    try:
        yield
    except (FulcrumError, OSError) as error:
        complaints.print(str(error), soft_wrap=True)
        kinds = {Unreachable: UNREACHABLE, BadBundle: UNSOUND, NotExported: UNSOUND}
        raise typer.Exit(kinds.get(type(error), REFUSED)) from None


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
