"""`fulcrum train`: bundles from a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.answering import UNREACHABLE, answered, complaints, need_training, screen

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.comparison import Comparison
    from training.run import Loaded, Made
    from training.study import Study


def train(
    study: Annotated[str, typer.Argument(help="a shipped study (covid, breast) or the path of a study file")],
    out: Annotated[Path, typer.Option(help="bundles go to OUT/<study>/<model>")] = Path("out"),
    only: Annotated[str | None, typer.Option(help="train this model of the study alone")] = None,
) -> None:
    """Train the models of a study, certify and export each, and measure it on the test part.

    Writes model.onnx, manifest.json and CARD.md a model, and a picture a study. A model whose contract its
    certification part does not carry is not written (exit code 4).
    """
    need_training()
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from models.errors import BadStudy, Unreachable
    from training.fit import Epoch
    from training.run import load, run
    from training.study import find_study

    made, refused = [], []
    with answered():
        asked = find_study(study)
        models = [model for model in asked.models if only in {None, model.name}]
        if not models:
            raise BadStudy(f"--only: should be one of {', '.join(model.name for model in asked.models)}, got {only}.")
        loaded = load(asked)
        compared = _compared(asked, loaded, out / asked.name)
        bar = Progress(
            TextColumn("{task.description:12}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=complaints,
        )
        with bar:
            for model in models:
                task = bar.add_task(model.name, total=model.epochs, state="starting")

                def progress(epoch: Epoch, task: object = task) -> None:
                    bar.update(task, completed=epoch.number, state=str(epoch))  # type: ignore[arg-type]  # rich's own id

                try:
                    result = run(asked, model, loaded, out, progress, comparison=compared)
                except Unreachable as error:
                    refused.append(f"{asked.name}/{model.name}: {error}")
                    bar.update(task, state="refused: its contract can not be certified")
                else:
                    made.append(result)
                    bar.update(task, total=1, completed=1, state=f"kept epoch {result.fitted.kept.number}")
        joint = _pathway(asked, loaded, {each.bundle.manifest.model: each for each in made}, out / asked.name)
        if joint:
            screen.print(f"{joint}", soft_wrap=True)
        if made:
            _show([each.bundle for each in made], out / asked.name / "report.png")
    for line in refused:
        complaints.print(line, soft_wrap=True)
    if refused:
        raise typer.Exit(UNREACHABLE)


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
