"""How well are photographs told apart, and do symptom heads help? `python -m benchmarks.retina` writes docs/retina.md.

Five folds by patient, five seeds that deal patients and start networks anew, the network and the losses of the `retina`
study with its symptom heads and without them, on the same folds from the same seeds. Of the four folds that are not held
out, a fifth of the patients says when to stop. Nothing is chosen on what is held out.

A fold that is finished is kept in `out/retina/`, so that a run that was stopped goes on; `--seeds` runs some alone.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import torch
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.progress import Progress
from sklearn.metrics import cohen_kappa_score, roc_auc_score, roc_curve

from benchmarks import section
from training.data import Data
from training.labels import inputs, labels
from training.model import Model
from training.studies.retina import study
from training.taught import taught
from training.undo import undo

ROOT = Path(__file__).parents[1]
PAGE, PICTURE, KEPT = ROOT / "docs" / "retina.md", ROOT / "docs" / "retina.svg", ROOT / "out" / "retina"
FOLDS, SEEDS, RESAMPLES, RECALL = 5, 5, 2000, 0.95
HEAD, WITH, WITHOUT = study.outcome.name, "with symptom heads", "without"
SCREEN = study.models[0]
VARIANTS: dict[str, Model] = {
    WITH: SCREEN,
    WITHOUT: SCREEN.model_copy(update={"terms": tuple(term for term in SCREEN.terms if term.on in {HEAD, "weights"})}),
}
HEADS = tuple(study.heads)


def everybody() -> tuple[Data, NDArray[np.str_]]:
    """All photographs as one part, and whose each is."""
    table = study.source.read().rows
    rows = inputs(study, table)
    known = labels(study, table)
    data = Data(columns=rows.columns, labels=known, groups=None, image=rows.image, table=table)
    return data, table["patient_id"].to_numpy()


def chosen(data: Data, rows: NDArray[np.int64]) -> Data:
    image = None if data.image is None else data.image[rows]
    known = {head: label[rows] for head, label in data.labels.items()}
    return Data(columns=data.columns[rows], labels=known, groups=None, image=image, table=data.table[rows])


def dealt(patients: NDArray[np.str_], sick: NDArray[np.float32], seed: int) -> NDArray[np.int64]:
    """The fold of each photograph: patients in a random order, the sick and the healthy dealt out by turns."""
    names = np.unique(patients)
    ill = np.array([sick[patients == name].max() for name in names])
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(ill[order], kind="stable")]
    fold = dict(zip(names[order], np.arange(len(names)) % FOLDS, strict=True))
    return np.array([fold[name] for name in patients])


def held_out(data: Data, patients: NDArray[np.str_], seed: int, progress: Progress) -> dict[str, NDArray[np.float32]]:
    """What models say of photographs of patients they never saw, [photographs, heads], by variant."""
    folds = dealt(patients, data.labels[HEAD], seed)
    found = {name: np.full((len(folds), len(HEADS)), np.nan, dtype=np.float32) for name in VARIANTS}
    task = progress.add_task(f"seed {seed}", total=FOLDS * len(VARIANTS))
    for fold in range(FOLDS):
        rest = np.flatnonzero(folds != fold)
        stop = dealt(patients[rest], data.labels[HEAD][rest], seed + 1000) == 0
        parts = {"training": chosen(data, rest[~stop]), "validation": chosen(data, rest[stop])}
        out = np.flatnonzero(folds == fold)
        for name, model in VARIANTS.items():
            fitted = taught(study, model, parts, seed=seed * 100 + fold)
            answers = fitted.net.answers(chosen(data, out).inputs, HEADS)
            made = undo(model, HEAD, parts["training"].labels[HEAD], fitted.pull)
            for place, head in enumerate(HEADS):
                told = study.answers[head].told(answers[head]).numpy()
                found[name][out, place] = made.logits(told) if head == HEAD else told
            progress.advance(task)
    return found


def written(results: list[dict[str, NDArray[np.float32]]], data: Data, patients: NDArray[np.str_]) -> str:
    sick = data.labels[HEAD]
    weights = resampled(patients)
    rows, kept = [], {}
    for name in VARIANTS:
        scores = [result[name][:, 0] for result in results]
        together = np.mean(scores, axis=0)
        own = figures(scores, sick, np.ones((1, len(sick))))[:, 0]
        drawn = figures(scores, sick, weights)
        kept[name] = (own, drawn)
        spread = [float(roc_auc_score(sick, score)) for score in scores]
        joint = figures([together], sick, weights)
        rows.append(
            [name, interval(own[0], drawn[0]), f"{min(spread):.3f} to {max(spread):.3f}",
             interval(float(roc_auc_score(sick, together)), joint[0]), interval(own[1], drawn[1])]
        )  # fmt: skip
    (own, drawn), (plain, plain_drawn) = kept[WITH], kept[WITHOUT]
    difference = own - plain, drawn - plain_drawn
    rows.append(
        ["difference, paired", interval(difference[0][0], difference[1][0], signed=True), "", "",
         interval(difference[0][1], difference[1][1], signed=True)]
    )  # fmt: skip
    head = ["", "AUC, mean of seeds", "over seeds", "AUC of the mean of all seeds", f"specificity at recall {RECALL:g}"]
    return f"""
{section.table(head, rows)}

{verdict(*(np.quantile(each, (0.025, 0.975)) for each in difference[1]))}

{section.table(["symptom", "photographs", "held out, mean of seeds"], symptoms(results, data))}
"""


def verdict(area: NDArray[np.float64], specificity: NDArray[np.float64]) -> str:
    words = {
        name: "no difference" if low <= 0 <= high else ("better" if low > 0 else "worse")
        for name, (low, high) in (("AUC", area), ("specificity", specificity))
    }
    return (
        f"Symptom heads, judged by these intervals: AUC: **{words['AUC']}**; specificity at recall {RECALL:g}:"
        f" **{words['specificity']}**. Whatever they do for the outcome, they answer a question of their own:"
    )


def symptoms(results: list[dict[str, NDArray[np.float32]]], data: Data) -> list[list[str]]:
    rows = []
    for place, head in enumerate(HEADS[1:], 1):
        label = data.labels[head]
        known = ~np.isnan(label)
        answers = [result[WITH][known, place] for result in results]
        if head == "dr_grade":
            kappas = [
                cohen_kappa_score(label[known].astype(int), np.rint(answer).astype(int), weights="quadratic")
                for answer in answers
            ]
            rows.append([head, f"{known.sum()}", f"quadratic kappa {np.mean(kappas):.3f}"])
        else:
            areas = [roc_auc_score(label[known], answer) for answer in answers]
            rows.append([head, f"{known.sum()}, {int(label[known].sum())} with it", f"AUC {np.mean(areas):.3f}"])
    return rows


def resampled(patients: NDArray[np.str_]) -> NDArray[np.float64]:
    """How often each photograph is drawn when patients are, [resamples, photographs]."""
    _, owner = np.unique(patients, return_inverse=True)
    random, count = np.random.default_rng(0), owner.max() + 1
    drawn = np.stack([np.bincount(random.integers(count, size=count), minlength=count) for _ in range(RESAMPLES)])
    return drawn[:, owner].astype(np.float64)


def figures(
    scores: list[NDArray[np.float32]], sick: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AUC and specificity at the recall, means over seeds, [2, resamples]."""
    found = np.zeros((2, len(weights)))
    for score in scores:
        order = np.argsort(score, kind="stable")
        ill, weight = sick[order] > 0, weights[:, order]
        positives, negatives = weight * ill, weight * ~ill
        below = np.cumsum(negatives, axis=1) - negatives / 2
        total = positives.sum(axis=1), negatives.sum(axis=1)
        found[0] += (positives * below).sum(axis=1) / (total[0] * total[1])
        # The highest threshold that leaves at most a share of 1 - recall of the sick below it.
        missed = np.cumsum(positives, axis=1) / total[0][:, None]
        allowed = missed <= 1 - RECALL + 1e-12
        found[1] += np.where(allowed, np.cumsum(negatives, axis=1), 0).max(axis=1) / total[1]
    return found / len(scores)


def interval(value: float, drawn: NDArray[np.float64], *, signed: bool = False) -> str:
    low, high = np.quantile(drawn, (0.025, 0.975))
    kind = "+.4f" if signed else ".3f"
    return f"{value:{kind}} [{low:{kind}}, {high:{kind}}]"


def draw(results: list[dict[str, NDArray[np.float32]]], sick: NDArray[np.float32]) -> None:
    with mpl.rc_context({"svg.hashsalt": "fulcrum", "font.size": 10}):
        figure = Figure(figsize=(5.2, 4.8), layout="constrained")
        axes = figure.subplots()
        for (name, colour), line in zip(((WITH, "#0072b2"), (WITHOUT, "#d55e00")), ("-", (0, (4, 2))), strict=True):
            for place, result in enumerate(results):
                alarmed, recall, _ = roc_curve(sick, result[name][:, 0])
                label = name if place == 0 else None
                axes.plot(alarmed, recall, color=colour, linestyle=line, linewidth=1, alpha=0.6, label=label)
        axes.plot([0, 1], [0, 1], color="0.8", linewidth=1, zorder=0)
        axes.axhline(RECALL, color="0.6", linewidth=0.8)
        axes.set(
            xlabel="1 - specificity", ylabel="recall", title="Referable eye disease, held-out patients", aspect="equal"
        )
        axes.grid(color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(PICTURE, metadata={"Date": None})


def main(
    seeds: Annotated[
        str, typer.Option(help="which seeds to run, as 0,1,2; the page is written once all are there")
    ] = "",
    page: Annotated[Path, typer.Option(help="page that the figures are written into")] = PAGE,
) -> None:
    """Run what is missing, then write the page."""
    torch.set_num_threads(1)
    wanted = [int(seed) for seed in seeds.split(",")] if seeds else list(range(SEEDS))
    data, patients = everybody()
    recipe = hashlib.sha256("".join(model.model_dump_json() for model in VARIANTS.values()).encode()).hexdigest()[:12]
    KEPT.mkdir(parents=True, exist_ok=True)
    files = {seed: KEPT / f"{recipe}-{seed}.npz" for seed in range(SEEDS)}
    with Progress() as progress:
        for seed in wanted:
            if not files[seed].exists():
                found = held_out(data, patients, seed, progress)
                fresh = files[seed].with_suffix(".part.npz")
                np.savez(fresh, **{str(place): each for place, each in enumerate(found.values())})
                fresh.replace(files[seed])
    if all(file.exists() for file in files.values()):
        results = [
            {name: kept[str(place)] for place, name in enumerate(VARIANTS)}
            for kept in (np.load(file) for file in files.values())
        ]
        section.write(page, "folds", written(results, data, patients))
        draw(results, data.labels[HEAD])
        print(page.read_text())


if __name__ == "__main__":
    typer.run(main)
