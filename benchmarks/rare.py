"""Estimates against the truth at 1:1000: probabilities, promises, and what a site can teach a network by mistake.

    python -m benchmarks.rare                      (writes docs/rare.md)

The clinic is simulated and every true risk is known, so figures on fresh people are worked out from the risks and not
counted: there is no luck of the draw in them but that of training and certification.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy import special, stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.section import table, write
from models.calibration import Calibration
from models.contract import Contract
from models.curve import Curve
from models.errors import Unreachable
from models.inputs import Inputs
from training.fit import Fitted
from training.labels import inputs
from training.losses.adversary import Adversary
from training.losses.cost_weighted import CostWeighted
from training.model import Budget, Model
from training.run import load
from training.sampling import Plain
from training.sources.clinic import Clinic
from training.studies.rare import SIGNS, study
from training.taught import taught
from training.term import Term
from training.undo import undo

Numbers = NDArray[np.float64]
FRESH = Clinic(rows=1_000_000, seed=10**6, again=0)
# For the confounded clinic: more sick people, so that what is seen is the site and not the luck of few.
SITES: dict[str, Any] = {"rows": 40_000, "prevalence": 0.05, "again": 0.0, "confounding": 2.0}
ADVERSARY = Term(on="embedding", against="site", by=Adversary(hidden=32, strength=3.0), weight=0.3)


BANDS = {
    "all": (0.0, 1.0),
    "up to 0.001": (0.0, 1e-3),
    "0.001 to 0.01": (1e-3, 1e-2),
    "0.01 to 0.1": (1e-2, 0.1),
    "above 0.1": (0.1, 1.01),
}
READ = ["camera read from the embedding", "here", "no confounding", "turned round"]
TURNS = (2.0, 0.0, -2.0)
VISITS = 0.0, 2.0


@dataclass(frozen=True)
class World:
    """Fresh people of a clinic, with their true risks."""

    seen: Inputs
    risk: Numbers
    camera: NDArray[np.bool_]

    @classmethod
    def of(cls, source: Clinic) -> World:
        rows = source.read().rows
        return cls(inputs(study, rows), rows["true_risk"].to_numpy(), (rows["camera"] == "new").to_numpy())

    def area(self, scores: Numbers) -> float:
        """The expected area under the ROC curve of scores [rows], which hardly ever tie."""
        order = np.argsort(scores, kind="stable")
        sick, healthy = self.risk[order], 1 - self.risk[order]
        return float((sick * (np.cumsum(healthy) - healthy / 2)).sum() / (sick.sum() * healthy.sum()))

    def recall(self, flagged: NDArray[np.bool_]) -> float:
        return float(self.risk[flagged].sum() / self.risk.sum())

    def precision(self, flagged: NDArray[np.bool_], prevalence: float) -> float:
        alarmed = float((1 - self.risk)[flagged].sum() / (1 - self.risk).sum())
        sick = prevalence * self.recall(flagged)
        return sick / (sick + (1 - prevalence) * alarmed)


@dataclass(frozen=True)
class Ready:
    """A trained network with its calibration; `probability` is what its bundle would say."""

    model: Model
    fitted: Fitted
    calibration: Calibration

    def probability(self, seen: Inputs) -> NDArray[np.float32]:
        raw = self.fitted.net.answers(seen, ["sick"])["sick"].numpy()
        return special.expit(self.calibration.logits(raw)).astype(np.float32)


def main(
    docs: Annotated[Path, typer.Option(help="folder of the page")] = Path("docs"),
    certifications: Annotated[int, typer.Option(help="of each contract and kind of clinic")] = 100,
    seeds: Annotated[int, typer.Option(help="of the confounded clinic")] = 4,
    jobs: Annotated[int, typer.Option(help="processes")] = 2,
) -> None:
    """Train, compare with the truth, and write the page's figures."""
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        later = {
            name: [pool.submit(one_site, seed, further) for seed in range(seeds)]
            for name, further in (("without an adversary", ()), ("with an adversary", (ADVERSARY,)))
        }
        text = clinic(certifications)
        found = {name: [each.result() for each in futures] for name, futures in later.items()}
    text += ["", "### Sites", "", table(["model", *READ], sites(found))]
    write(docs / "rare.md", "figures", "\n".join(text))
    Console().print("\n".join(text))


def clinic(certifications: int) -> list[str]:
    """Probabilities and promises of the study's models against the truth."""
    torch.set_num_threads(1)
    loaded, fresh = load(study), World.of(FRESH)
    ready = []
    for model in track(study.models, "the study"):
        fitted = taught(study, model, loaded.parts, seed=study.seed)
        made = undo(model, "sick", loaded.parts["training"].labels["sick"], fitted.pull)
        held = loaded.parts["validation"]
        raw = fitted.net.answers(held.inputs, ["sick"])["sick"].numpy()
        ready.append(Ready(model, fitted, made.fit(raw, held.labels["sick"])))
    guides = {one.model.name: one.probability(loaded.parts["validation"].inputs) for one in ready}
    guide = {name: Curve.of(found, loaded.parts["validation"].labels["sick"]) for name, found in guides.items()}
    return [
        "### Probabilities",
        "",
        table(["model", "area", *BANDS], probabilities(ready, fresh)),
        "",
        "### Promises",
        "",
        table(
            ["promise", "visits a patient", "certified", "broken", "95 % interval", "median truth", "lowest truth"],
            promises(ready, guide, fresh, certifications),
        ),
    ]


def probabilities(ready: list[Ready], fresh: World) -> list[list[str]]:
    """Area, and the true mean risk over the mean probability, of all and in bands of the probability."""
    rows = [["the true risk", f"{fresh.area(fresh.risk):.4f}", *["1"] * len(BANDS)]]
    for one in ready:
        found = one.probability(fresh.seen)
        cells = []
        for low, high in BANDS.values():
            some = (found >= low) & (found < high)
            cells.append(f"{fresh.risk[some].sum() / found[some].sum():.2f}")
        rows.append([one.model.name, f"{fresh.area(found.astype(np.float64)):.4f}", *cells])
    return rows


def promises(ready: list[Ready], guide: dict[str, Curve], fresh: World, count: int) -> list[list[str]]:
    """How often a certified threshold breaks its promise in truth, with more and more visits of the same patients."""
    answers = {one.model.name: one.probability(fresh.seen) for one in ready}
    rows = []
    for again in VISITS:
        truths: dict[str, list[float]] = {one.model.name: [] for one in ready}
        refused = dict.fromkeys(truths, 0)
        for seed in track(range(count), f"{1 + again:g} visits"):
            people = Clinic(rows=90_000, seed=1000 + seed, again=again).read().rows
            sick, seen = (people["diagnosis"] == "neovascular").to_numpy(), inputs(study, people)
            for one in ready:
                name, contract = one.model.name, one.model.contract
                try:
                    point = contract.choose(Curve.of(one.probability(seen), sick), guide=guide[name])
                except Unreachable:
                    refused[name] += 1
                    continue
                truths[name].append(true(contract, fresh, answers[name] >= np.float32(point.threshold)))
        for one in ready:
            name, found = one.model.name, np.array(truths[one.model.name])
            broken = int((found < one.model.contract.promises[0].at_least).sum())
            low, high = stats.binomtest(broken, max(len(found), 1)).proportion_ci(method="wilson")
            rows.append(
                [
                    f"{one.model.contract.words}",
                    f"{1 + again:g}",
                    f"{len(found)} of {count}",
                    f"{broken}",
                    f"{low:.3f} to {high:.3f}",
                    f"{np.median(found):.3f}" if len(found) else "-",
                    f"{found.min():.3f}" if len(found) else "-",
                ]
            )
    return rows


def true(contract: Contract, fresh: World, flagged: NDArray[np.bool_]) -> float:
    prevalence = contract.prevalence_named
    return fresh.recall(flagged) if prevalence is None else fresh.precision(flagged, prevalence)


def sites(found: dict[str, list[list[float]]]) -> list[list[str]]:
    """Areas in clinics with other confounding, with and without an adversary: means and ranges over seeds."""
    here = Clinic(**SITES)
    own, told = [], []
    for turn in TURNS:
        source = turned(turn)
        world = World.of(source)
        own.append(f"{world.area(world.risk):.4f}")
        told.append(f"{world.area(here.risk(source.read().rows)):.4f}")
    rows = [["the true risk there", "-", *own], ["the risk that is true here", "-", *told]]
    for name, figures in found.items():
        rows.append(
            [name, *(f"{each.mean():.4f} ({each.min():.4f} to {each.max():.4f})" for each in np.array(figures).T)]
        )
    return rows


def turned(confounding: float) -> Clinic:
    """Fresh people, of whom the sick come to the sites in another way."""
    return Clinic(rows=100_000, seed=10**6, prevalence=0.05, again=0, confounding=confounding)


def one_site(seed: int, further: tuple[Term, ...]) -> list[float]:
    """How well the camera is read from the embedding where it says nothing, and the areas in all clinics."""
    torch.set_num_threads(1)
    source, worlds = Clinic(**{**SITES, "seed": seed}), [World.of(turned(turn)) for turn in TURNS]
    model = study.models[0].model_copy(
        update={
            "terms": (Term(on="sick", against="sick", by=CostWeighted()), *SIGNS, *further),
            "sampling": Plain(),
            "budget": Budget(batch=1024, epochs=25, patience=4, halvings=2),
        }
    )
    own = study.model_copy(update={"source": source})
    net = taught(own, model, load(own).parts, seed=source.seed).net
    embedding = net.answers(worlds[1].seen, ["embedding"])["embedding"].numpy()
    embedding = (embedding - embedding.mean(axis=0)) / (embedding.std(axis=0) + 1e-6)
    half = len(embedding) // 2
    probe = LogisticRegression(max_iter=300).fit(embedding[:half], worlds[1].camera[:half])
    read = roc_auc_score(worlds[1].camera[half:], probe.decision_function(embedding[half:]))
    areas = [world.area(net.answers(world.seen, ["sick"])["sick"].numpy().astype(np.float64)) for world in worlds]
    return [float(read), *areas]


if __name__ == "__main__":
    typer.run(main)
