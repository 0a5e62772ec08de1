"""`fulcrum train`: bundles from a study."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.answering import UNREACHABLE, answered, complaints, need_training, screen
from commands.compare import searched

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.comparison import Comparison
    from training.model import Model
    from training.run import Loaded, Made
    from training.study import Study

# Beyond so many copies their mean moves no more.
MOST_COPIES = 200


def train(
    study: Annotated[str, typer.Argument(help="a shipped study (covid, breast) or the path of a study file")],
    out: Annotated[Path, typer.Option(help="bundles go to OUT/<study>/<model>")] = Path("out"),
    only: Annotated[str | None, typer.Option(help="train this model of the study alone")] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, metavar="MINUTES", help="spend so long, on more copies of the networks")
    ] = None,
    search: Annotated[
        float | None, typer.Option(min=0, metavar="MINUTES", help="first look so long for better losses and networks")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="with --search: processes that train side by side")] = 1,
) -> None:
    """Train the models of a study, certify and export each, and measure it on the test part.

    Writes model.onnx, manifest.json and CARD.md a model, and a picture a study. A model whose contract its
    certification part does not carry is not written (exit code 4).
    """
    need_training()
    from training.run import load
    from training.study import find_study

    with answered():
        asked = find_study(study)
        _wanted(asked, only)
        loaded = load(asked)
        if search is not None:
            file = searched(
                asked, loaded, out / asked.name, named=study, minutes=search, jobs=jobs, only=only, replace=True
            )
            asked = find_study(str(file))
            loaded = load(asked)
        if budget is not None:
            _has_copies(asked)
        begun = time.monotonic()
        made, refused = _all(asked, loaded, out, only)
        if budget is not None:
            asked, more = _larger(asked, 60 * budget / (time.monotonic() - begun))
            if more:
                loaded = load(asked)
                made, refused = _all(asked, loaded, out, only)
        joint = _pathway(asked, loaded, {each.bundle.manifest.model: each for each in made}, out / asked.name)
        if joint:
            screen.print(f"{joint}", soft_wrap=True)
        if made:
            _show([each.bundle for each in made], out / asked.name / "report.png")
    for line in refused:
        complaints.print(line, soft_wrap=True)
    if refused:
        raise typer.Exit(UNREACHABLE)


def _wanted(study: Study, only: str | None) -> list[Model]:
    from models.errors import BadStudy

    models = [model for model in study.models if only in {None, model.name}]
    if not models:
        raise BadStudy(f"--only: should be one of {', '.join(model.name for model in study.models)}, got {only}.")
    return models


def _all(study: Study, loaded: Loaded, out: Path, only: str | None) -> tuple[list[Made], list[str]]:
    """What was made, and why what was not made was refused."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from models.errors import Unreachable
    from training.fit import Epoch
    from training.run import run

    made, refused = [], []
    compared = _compared(study, loaded, out / study.name)
    bar = Progress(
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        console=complaints,
    )
    with bar:
        for model in _wanted(study, only):
            task = bar.add_task(model.name, total=model.epochs, state="starting")

            def progress(epoch: Epoch, task: object = task) -> None:
                bar.update(task, completed=epoch.number, state=str(epoch))  # type: ignore[arg-type]  # rich's own id

            try:
                result = run(study, model, loaded, out, progress, comparison=compared)
            except Unreachable as error:
                refused.append(f"{study.name}/{model.name}: {error}")
                bar.update(task, state="refused: its contract can not be certified")
            else:
                made.append(result)
                bar.update(task, total=1, completed=1, state=f"kept epoch {result.fitted.kept.number}")
    return made, refused


def _has_copies(study: Study) -> None:
    from models.errors import BadStudy

    if study.split.more(1.0) is None:
        raise BadStudy("--budget: should be left out where the split is no CrossFit: there are no copies to add.")


def _larger(study: Study, times: float) -> tuple[Study, bool]:
    """The study with so many times as many copies, as far as they are worth it, and whether it is another one."""
    split = study.split.more(min(times, MOST_COPIES / study.split.copies))
    assert split is not None
    if split.copies <= study.split.copies:
        complaints.print(f"{study.split.copies} copies took the time there is.")
        return study, False
    complaints.print(f"There is time for {split.copies} copies in place of {study.split.copies}.")
    return type(study)(**{**dict(study), "split": split}), True


def _compared(study: Study, loaded: Loaded, folder: Path) -> Comparison | None:
    """What `fulcrum compare` wrote beside the bundles, if it is of this study and these data."""
    from models.comparison import COMPARISON, read_comparison
    from training.comparing.candidates import definition

    found = read_comparison(folder)
    if found is None:
        return None
    named = {"another study": found.study != study.name, "other data": found.data != loaded.digests}
    named["another version of the study"] = found.definition != definition(study)
    for what, wrong in named.items():
        if wrong:
            complaints.print(f"{folder / COMPARISON}: is of {what}, and stays out of the bundles.", soft_wrap=True)
            return None
    return found


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


def _pathway(study: Study, loaded: Loaded, made: dict[str, Made], folder: Path) -> Path | None:
    """What both models do to the same people, written beside them; of other bundles than these it is taken away."""
    from models.joint import PATHWAY, write_joint
    from training.pair import pair

    if {"screen", "presurgical"} <= set(made):
        bundles = {name: each.bundle for name, each in made.items()}
        certified = {name: each.certified for name, each in made.items()}
        return write_joint(pair(study, loaded, bundles, certified), folder)
    if made and (folder / PATHWAY).exists():
        (folder / PATHWAY).unlink()
        complaints.print(f"{folder / PATHWAY}: taken away, for it was of another pair of models.", soft_wrap=True)
    return None
