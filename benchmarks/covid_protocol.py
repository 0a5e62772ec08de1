"""The published COVID protocol: row counts, area, working points, ceiling, contracts, prevalence.

    python -m benchmarks.covid_protocol            (writes docs/covid.md and docs/covid.png)

Trains nothing: it measures the shipped bundles on the test week, which nothing was chosen on. With lightgbm
installed it measures the authors' own model file too, where that lies beside the data.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import roc_auc_score, roc_curve

from models.bundle import Bundle, open_bundle
from models.card import table
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import Unreachable
from models.intervals import Estimate
from models.operating_point import Measured
from models.scorer import Scorer
from models.turn import Setting
from training.run import Data, load
from training.study import find_study

PAPER_COUNTS = {"22-31 March": (51_831, 4_769), "1-7 April": (47_401, 3_624)}
PAPER_POINTS = ((0.8730, 0.7198), (0.8576, 0.7918))
AUTHORS_AREA = 0.8988

console = Console(highlight=False)


@dataclass(frozen=True)
class Ranked:
    """A way to rank the test week, by name."""

    name: str
    scores: NDArray[np.float64]


def main(
    docs: Annotated[Path, typer.Option(help="folder of the page and the plot")] = Path("docs"),
    models: Annotated[Path, typer.Option(help="folder of the two bundles")] = Path("models/covid"),
) -> None:
    """Measure, print, and write the page."""
    study = find_study("covid")
    parts = load(study).parts
    bundles = {name: open_bundle(models / name) for name in ("screen", "presurgical")}
    test = parts["test"]
    targets = test.labels["infected"].astype(int)
    ranked = [
        *(
            Ranked(name, Scorer(bundle).score(test.columns).probability.astype(float))
            for name, bundle in bundles.items()
        ),
        *authors(test),
        Ranked("ceiling of the eight features", ceiling(test.columns, targets)),
    ]
    page = [
        "# COVID-19 from eight answers: the published protocol",
        "",
        "Made by `python -m benchmarks.covid_protocol` from the shipped bundles; nothing below was chosen on the",
        "test week. Data: every RT-PCR test in Israel, Zoabi, Deri-Rozov & Shomron, npj Digital Medicine 2021.",
        "",
        "![ROC curves on the test week](covid.png)",
        "",
        *counts(parts),
        *ranking(ranked, targets),
        *contracts(bundles, parts),
        *choice(bundles, parts),
        *prevalences(bundles, test),
    ]
    (docs / "covid.md").write_text("\n".join(page), encoding="utf-8")
    draw(ranked, targets, bundles, test, docs / "covid.png")
    console.print("\n".join(page), soft_wrap=True, markup=False)


def counts(parts: dict[str, Data]) -> list[str]:
    """Rows and positives against the paper's."""
    march = [parts[name] for name in ("training", "validation", "certification")]
    found = {
        "22-31 March": (
            sum(len(part.columns) for part in march),
            sum(int(part.labels["infected"].sum()) for part in march),
        ),
        "1-7 April": (len(parts["test"].columns), int(parts["test"].labels["infected"].sum())),
    }
    rows = [
        [week, f"{found[week][0]:,} / {found[week][1]:,}", f"{paper[0]:,} / {paper[1]:,}"]
        for week, paper in PAPER_COUNTS.items()
    ]
    if found != PAPER_COUNTS:
        raise SystemExit(f"Row counts should be the paper's {PAPER_COUNTS}, got {found}.")
    return ["## Rows", "", *table(["week", "rows / positive here", "in the paper"], rows)]


def ranking(ranked: list[Ranked], targets: NDArray[np.int64]) -> list[str]:
    """Area under the ROC curve, and specificity at the paper's sensitivities."""
    rows = [
        [
            one.name,
            f"{roc_auc_score(targets, one.scores):.4f}",
            *(f"{specificity(one, targets, at):.4f}" for at, _ in PAPER_POINTS),
        ]
        for one in ranked
    ]
    published = ["paper", "0.90 (0.892-0.905)", *(f"{found:.4f}" for _, found in PAPER_POINTS)]
    head = [
        "on the test week",
        "area under the ROC curve",
        *(f"specificity at sensitivity {at:.4f}" for at, _ in PAPER_POINTS),
    ]
    return [
        "## Ranking",
        "",
        *table(head, [published, *rows]),
        "People with the same eight answers can not be told apart, and the largest group holds a third of the week, so",
        "an ROC curve here is a few corners; between two corners specificity is read off the straight line, which is what",
        "a coin for the tied group would give. The ceiling ranks each group by its own rate *in the test week*: no function",
        "of the eight answers can do better there.",
        "",
    ]


def specificity(ranked: Ranked, targets: NDArray[np.int64], sensitivity: float) -> float:
    """Read off the ROC curve, straight between its corners."""
    alarmed, caught, _ = roc_curve(targets, ranked.scores, drop_intermediate=False)
    return float(1 - np.interp(sensitivity, caught, alarmed))


def contracts(bundles: dict[str, Bundle], parts: dict[str, Data]) -> list[str]:
    """Both promises as certified, and as kept."""
    rows = []
    for name, bundle in bundles.items():
        point, contract = bundle.manifest.point, bundle.manifest.contract
        curve = answered(bundle, parts["test"])
        found = figure(contract, curve, point.threshold)
        measured = Measured.of(curve, point.threshold)
        rows.append(
            [
                name,
                str(contract),
                f"{point.certificates[0].certified:.4f}",
                str(figure(contract, bundle.manifest.curve, point.threshold)),
                str(found),
                "yes" if contract.promises[0].met_by(found.value) else "no",
                f"{measured.recall} / {measured.specificity}",
            ]
        )
    head = [
        "model",
        "promise",
        "certified at least",
        "29-31 March",
        "1-7 April",
        "kept",
        "recall / specificity, 1-7 April",
    ]
    return ["## Promises", "", *table(head, rows)]


def choice(bundles: dict[str, Bundle], parts: dict[str, Data]) -> list[str]:
    """What other contracts would have given: the choice, explained from March alone."""
    asked: dict[str, list[Contract]] = {
        "screen": [Recall(at_least=level) for level in (0.85, 0.9, 0.95, 0.97, 0.99)],
        "presurgical": [Precision(at_least=level, prevalence=0.08) for level in (0.7, 0.8, 0.85, 0.9, 0.95)],
    }
    rows = []
    for name, options in asked.items():
        guide, curve = (answered(bundles[name], parts[part]) for part in ("validation", "certification"))
        later = answered(bundles[name], parts["test"])
        for contract in options:
            try:
                point = contract.choose(curve, guide=guide)
            except Unreachable as error:
                rows.append([str(contract), f"refused; nearest {error.nearest:.4f}", "-", "-", "-"])
                continue
            march = point.measured
            rows.append(
                [
                    str(contract),
                    f"{point.certificates[0].certified:.4f}",
                    f"{march.recall.value:.4f} / {march.specificity.value:.4f}",
                    str(figure(contract, later, point.threshold)),
                    "yes" if contract.promises[0].met_by(figure(contract, later, point.threshold).value) else "no",
                ]
            )
    threshold = bundles["screen"].manifest.point.threshold
    before, after = (
        value(Measured.of(answered(bundles["screen"], parts[part]), threshold).recall)
        for part in ("validation", "certification")
    )
    head = ["contract", "certified at least", "recall / specificity, 29-31 March", "figure, 1-7 April", "kept"]
    return [
        "## Why these two contracts",
        "",
        "Certification takes the last three days before the test week: the cases nearest to those that come. Even so the",
        f"disease moves on: at the screen's threshold recall was {before:.4f} on held-out people of 22-28 March and {after:.4f} on",
        "29-31 March. A promise of 0.95 could be certified, at a corner measured 0.96, and would leave nothing for that; 0.90 does,",
        "and thanks to the ties it is certified at a corner of 0.95. (From 0.97 on the ties leave only flagging everybody.)",
        "A precision of 0.80 at prevalence 8 % says that four of five people whose operation is put off are infected; 0.85 and",
        "more would leave no room for the same drift. The two last columns were looked at afterwards.",
        "",
        *table(head, rows),
    ]


def prevalences(bundles: dict[str, Bundle], test: Data) -> list[str]:
    """Precision as prevalence moves from 8 % to 4 %, without and with the prevalence shift."""
    rows = []
    targets = test.labels["infected"]
    for name, bundle in bundles.items():
        scorer = Scorer(bundle)
        for prevalence in (0.08, 0.06, 0.04):
            # The test week with as many infected as that: healthy people count more, the infected as they are.
            weights = np.where(targets > 0, prevalence / targets.mean(), (1 - prevalence) / (1 - targets.mean()))
            for way, given in (("left alone", None), ("told to the model", prevalence)):
                scores = scorer.score(test.columns, at=scorer.turn(Setting(prevalence=given)))
                flagged = scores.positive
                hits, alarms = (weights * (targets > 0))[flagged].sum(), (weights * (targets == 0))[flagged].sum()
                expected = float((weights * scores.probability.astype(float)).sum() / weights.sum())
                rows.append(
                    [
                        name,
                        f"{prevalence:.0%}",
                        way,
                        f"{hits / (hits + alarms):.4f}",
                        f"{hits / (weights * (targets > 0)).sum():.4f}",
                        f"{1000 * weights[flagged].sum() / weights.sum():.1f}",
                        f"{expected:.4f}",
                    ]
                )
    head = ["model", "prevalence", "prevalence is", "precision", "recall", "flagged per 1,000", "mean probability"]
    return [
        "## When prevalence moves",
        "",
        "The test week reweighted to other prevalences. Left alone, precision falls with prevalence although the model is",
        "the same. Told the prevalence, the model restates every probability, so that their mean is the prevalence again. The",
        "pre-surgical point promises a precision, so its threshold stays where it is and fewer people are flagged: some precision",
        "is won back, for recall. How much depends on the ties: the threshold passes few groups of people on its way, and what it",
        "does not pass it can not clear. (The certificate speaks of 8 %; at another prevalence it is said not to",
        "hold: to keep 80 % where 4 % are sick, ask for that and certify it.) The screen promises a recall, which does not depend",
        "on prevalence: its threshold moves along, and the same people are flagged.",
        "",
        *table(head, rows),
    ]


def figure(contract: Contract, curve: Curve, threshold: float) -> Estimate:
    """The figure that a contract promises, as these cases have it."""
    measured = Measured.of(curve, threshold, prevalence=contract.prevalence_named)
    found: Estimate = getattr(measured, contract.promises[0].figure)
    return found


def answered(bundle: Bundle, data: Data) -> Curve:
    """The bundle's answers on some cases, counted."""
    return Curve.of(Scorer(bundle).score(data.columns).probability, data.labels["infected"])


def ceiling(columns: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each row's group's own rate: the best score any function of the columns can give on these very rows."""
    _, group = np.unique(np.nan_to_num(columns, nan=-1), axis=0, return_inverse=True)
    return (np.bincount(group, weights=targets) / np.bincount(group))[group]


def authors(test: Data) -> list[Ranked]:
    """The authors' own model file, where it and lightgbm are at hand."""
    file = Path(os.environ.get("FULCRUM_DATA", ".")) / "covid" / "lgbm_model_all_features.txt"
    if not file.is_file() or importlib.util.find_spec("lightgbm") is None:
        console.print(f"lightgbm or {file.name} is not at hand; the authors' model file has an area of {AUTHORS_AREA}.")
        return []
    lightgbm = importlib.import_module("lightgbm")
    return [Ranked("authors' model file", lightgbm.Booster(model_file=str(file)).predict(test.columns))]


def draw(ranked: list[Ranked], targets: NDArray[np.int64], bundles: dict[str, Bundle], test: Data, file: Path) -> None:
    """ROC curves of the test week with the paper's points and the two operating points."""
    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(7, 6), layout="constrained")
        axes = figure.subplots()
        colours = iter(("#0072b2", "#d55e00", "#009e73"))
        for one in ranked:
            alarmed, caught, _ = roc_curve(targets, one.scores, drop_intermediate=False)
            # The ceiling lies behind the others, broad, so that both can be seen where they touch.
            look = {"color": "0.85", "linewidth": 6, "zorder": 0} if one is ranked[-1] else {"color": next(colours)}
            axes.plot(alarmed, caught, label=f"{one.name}, area {roc_auc_score(targets, one.scores):.4f}", **look)
        for (name, bundle), colour in zip(bundles.items(), ("#0072b2", "#d55e00"), strict=True):
            at = Measured.of(answered(bundle, test), bundle.manifest.point.threshold)
            axes.plot(
                1 - value(at.specificity),
                value(at.recall),
                "o",
                color=colour,
                markersize=9,
                label=f"{name} as certified",
            )
        axes.plot(
            [1 - found for _, found in PAPER_POINTS], [at for at, _ in PAPER_POINTS], "kx", label="paper's points"
        )
        axes.set(
            xlabel="1 - specificity", ylabel="sensitivity (recall)", title="Test week, 1-7 April 2020: 47,401 people"
        )
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.grid(color="0.92")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(file, dpi=110, metadata={"Software": None})


def value(estimate: Estimate) -> float:
    """A measured share that is known to have been measured."""
    assert estimate.value is not None
    return estimate.value


if __name__ == "__main__":
    typer.run(main)
