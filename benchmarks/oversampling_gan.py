"""Do generated cases help where few are sick? Paired by seed, against plain oversampling, by what is true.

    python -m benchmarks.oversampling_gan          (writes its part of docs/rare.md)

Each seed draws a clinic with some 60 sick in training. All candidates learn from the same cases, positives shown as
often; areas and false-positive rates on fresh people are worked out from their true risks.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from scipy import stats

from benchmarks.rare import World
from benchmarks.section import table, write
from training.gan import GAN
from training.generated import Generated
from training.losses.cost_weighted import CostWeighted
from training.model import Budget
from training.run import load
from training.sampling import Oversampled, Plain, Sampling
from training.sources.clinic import Clinic
from training.studies.rare import study
from training.taught import taught
from training.term import Term

RECALL = 0.95
CLINIC = Clinic(rows=30_000, prevalence=0.005, again=0)
SHOWN = 0.25  # positives for each negative


def main(
    docs: Annotated[Path, typer.Option(help="folder of the page")] = Path("docs"),
    seeds: int = 10,
    steps: Annotated[int, typer.Option(help="of the GAN")] = 3000,
    jobs: int = 2,
) -> None:
    """Train, compare in pairs, and write the page's part."""
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = np.array(list(pool.map(one, range(seeds), [steps] * seeds)))  # [seeds, candidates, figures]
    rows = []
    for place, name in enumerate(samplings(steps)):
        cells = [f"{found[:, place, figure].mean():.4f}" for figure in (0, 1)]
        apart = [said(found[:, place, figure] - found[:, 1, figure]) if place != 1 else "" for figure in (0, 1)]
        rows.append([name, cells[0], apart[0], cells[1], apart[1]])
    rate = f"false-positive rate at recall {RECALL}"
    text = table(["sampling", "area", "less oversampled", rate, "less oversampled"], rows)
    text += f"\n\nMeans of {seeds} seeds, differences with their 95 % t-intervals; a GAN of {steps:,} steps."
    write(docs / "rare.md", "generated", text)
    Console().print(text)


def samplings(steps: int) -> dict[str, Sampling]:
    """What is compared; the rate of a positive is the same in the last two."""
    times = SHOWN * (1 - CLINIC.prevalence) / CLINIC.prevalence
    generated = Generated(times=SHOWN, share=0.5, gan=GAN(steps=steps))
    return {"as they come": Plain(), "oversampled": Oversampled(times=times), "half of them generated": generated}


def one(seed: int, steps: int) -> list[tuple[float, float]]:
    """Area and false-positive rate of each candidate, with this seed's clinic."""
    torch.set_num_threads(1)
    own = study.model_copy(update={"source": CLINIC.model_copy(update={"seed": seed})})
    parts = load(own).parts
    fresh = World.of(CLINIC.model_copy(update={"rows": 200_000, "seed": 10**6}))
    found = []
    for sampling in samplings(steps).values():
        model = study.models[0].model_copy(
            update={
                "terms": (Term(on="sick", against="sick", by=CostWeighted()),),
                "sampling": sampling,
                "budget": Budget(batch=1024, epochs=30, patience=4, halvings=2),
            }
        )
        net = taught(own, model, parts, seed=seed).net
        scores = net.answers(fresh.seen, ["sick"])["sick"].numpy().astype(np.float64)
        found.append((fresh.area(scores), alarmed(fresh, scores)))
    return found


def alarmed(fresh: World, scores: NDArray[np.float64]) -> float:
    """The true false-positive rate at the recall."""
    order = np.argsort(-scores, kind="stable")
    sick, healthy = np.cumsum(fresh.risk[order]), np.cumsum(1 - fresh.risk[order])
    return float(np.interp(RECALL * sick[-1], sick, healthy) / healthy[-1])


def said(differences: NDArray[np.float64]) -> str:
    middle, wide = differences.mean(), stats.sem(differences) * stats.t.ppf(0.975, len(differences) - 1)
    return f"{middle:+.4f} [{middle - wide:+.4f}, {middle + wide:+.4f}]"


if __name__ == "__main__":
    typer.run(main)
