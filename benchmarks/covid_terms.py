"""COVID with further terms: does a weighted sum learn more from a larger network's doubts than from the labels?

    python -m benchmarks.covid_terms               (writes docs/covid-terms.md)

Both models of the study are made as `fulcrum train covid_terms` makes them; beside them stand the screen's teacher and
the same weighted sum learnt from the labels. Nothing is chosen on the test week.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.section import table
from models.bundle import Bundle, open_bundle
from models.comparison import PLAIN
from models.manifest import Manifest
from models.operating_point import Estimate
from models.scorer import Scorer
from training.comparing.resampling import interval
from training.data import Data
from training.losses.cost_weighted import CostWeighted
from training.model import Model
from training.run import Loaded, load, run
from training.studies.covid_terms import TEACHER, study
from training.taught import taught
from training.term import Term

RESAMPLES = 1000
DISTILLED, TAUGHT = "screen: sum, distilled", "its teacher"


def main(
    docs: Annotated[Path, typer.Option(help="folder of the page")] = Path("docs"),
    shipped: Annotated[Path, typer.Option(help="folder of the shipped bundles")] = Path("models"),
) -> None:
    """Train, measure, and write the page."""
    loaded = load(study)
    test = loaded.parts["test"]
    with tempfile.TemporaryDirectory() as out:
        made = {model.name: run(study, model, loaded, Path(out)).bundle for model in study.models}
        scores = {
            f"covid: {name}": scored(open_bundle(shipped / "covid" / name), test) for name in ("screen", "presurgical")
        }
        scores |= {
            DISTILLED: scored(made["screen"], test),
            PLAIN: answered(loaded, plain(), test),
            TAUGHT: answered(loaded, TEACHER, test),
            "presurgical: with who travelled": scored(made["presurgical"], test),
        }
        manifests = {name: bundle.manifest for name, bundle in made.items()}
    shown = {PLAIN: "sum, learnt from the labels"}
    found = areas(scores, test.labels["infected"])
    rows = [
        [shown.get(name, name), f"{own[0]:.4f} [{low:.4f}, {high:.4f}]", apart(own - found[PLAIN], name)]
        for name, own in found.items()
        for low, high in [interval(own[1:])]
    ]
    head = ["on the test week", "area under the ROC curve", "less that of the sum learnt from the labels"]
    (docs / "covid-terms.md").write_text(
        "\n".join([PAGE, table(head, rows), "", MIDDLE, promises(manifests, shipped), "", END]), encoding="utf-8"
    )
    Console().print((docs / "covid-terms.md").read_text())


def plain() -> Model:
    """The screen's weighted sum, learnt from the labels alone."""
    screen = study.models[0]
    return screen.model_copy(update={"terms": (Term(on="infected", against="infected", by=CostWeighted()),)})


def scored(bundle: Bundle, test: Data) -> NDArray[np.float64]:
    return Scorer(bundle).score(test.columns).logit.astype(np.float64)


def answered(loaded: Loaded, model: Model, test: Data) -> NDArray[np.float64]:
    net = taught(study, model, loaded.parts, seed=study.seed).net
    return net.answers(test.inputs, ["infected"])["infected"].numpy().astype(np.float64)


def areas(scores: dict[str, NDArray[np.float64]], targets: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """The area of each, then in every resample of the same people, [1 + RESAMPLES]."""
    random = np.random.default_rng(0)
    # People with the same answers and the same result come and go together.
    kinds, kind = np.unique(np.column_stack([*scores.values(), targets]), axis=0, return_inverse=True)
    counts = np.bincount(kind).astype(np.float64)
    drawn = np.concatenate([counts[None], random.multinomial(len(targets), counts / counts.sum(), RESAMPLES)])
    sick = kinds[:, -1] > 0
    return {name: area(kinds[:, place], drawn * sick, drawn * ~sick) for place, name in enumerate(scores)}


def area(scores: NDArray[np.float64], sick: NDArray[np.float64], healthy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas [samples] of scores [kinds] whose sick and healthy are counted, [samples, kinds]; ties count half."""
    distinct, place = np.unique(scores, return_inverse=True)
    ill, well = (np.stack([np.bincount(place, row, len(distinct)) for row in rows]) for rows in (sick, healthy))
    below = np.cumsum(well, axis=1) - well / 2
    return np.asarray((ill * below).sum(axis=1) / (ill.sum(axis=1) * well.sum(axis=1)))


def apart(differences: NDArray[np.float64], name: str) -> str:
    low, high = interval(differences[1:])
    return "" if name == PLAIN else f"{differences[0]:+.4f} [{low:+.4f}, {high:+.4f}]"


def promises(manifests: dict[str, Manifest], shipped: Path) -> str:
    """What each model promises and did, beside the shipped pair."""
    rows = []
    for name, manifest in manifests.items():
        ours = open_bundle(shipped / "covid" / name).manifest
        for title, one in ((f"covid_terms: {name}", manifest), (f"covid: {name}", ours)):
            assert one.evidence is not None
            at = one.evidence.measured
            figures = [said(each) for each in (at.recall, at.specificity, at.precision)]
            rows.append([title, str(one.contract), *figures, "yes" if one.evidence.kept else "no"])
    return table(["model", "promise", "recall, 1-7 April", "specificity", "precision", "kept"], rows)


def said(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


PAGE = """\
# COVID-19 with other terms

Made by `python -m benchmarks.covid_terms` from the study `training/studies/covid_terms.py`: data, split and contracts
are those of [covid](covid.md); the terms are others. The screen is a weighted sum of the answers, which fits on a card.
Its only term on the outcome is `SoftTargets` against a larger network, trained first; labels only tell it when to stop. The
presurgical model has a second head that tells who came from abroad, which nobody is asked at the time, and a term that
keeps the numbers of its embedding from saying the same twice.
"""
MIDDLE = """\
Differences are paired: 1,000 resamples of the people of the test week, the same for all. Where an interval holds 0, no
difference was found. A larger network knows a little more than a sum can say, and the sum can not be taught it: what it
lacks are products of answers. Each row is one training, so intervals do not hold the luck of its seed; that the network
with a second head stands above the shipped one is not shown to be the head's doing.

## Promises
"""
END = """\
Precision is at the prevalence that the contract names, else as in the test week. All points were certified on 29-31
March and looked at on 1-7 April only afterwards.
"""

if __name__ == "__main__":
    typer.run(main)
