"""Are probabilities right after the undo, whatever the loss weights and the sampling rates were?

    python -m benchmarks.calibration_after_undo    (writes docs/calibration.md)

A simulated clinic whose true risks are known: a logistic model of ten columns, one in ten sick. A linear network
and a small MLP are trained with prices of a miss from 0.1 to 1000 and positives oversampled up to 1000 times;
then nothing is done but the undo, and observed over expected and the calibration slope are measured on fresh people.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.progress import track

from models.calibration import Reliability
from models.card import table
from models.contracts.recall import Recall
from models.costs import Costs
from models.schema import Numeric, Schema
from training.fit import fit
from training.loss import Loss
from training.losses.asymmetric import Asymmetric
from training.losses.class_balanced import ClassBalanced
from training.losses.cost_weighted import CostWeighted
from training.losses.focal import Focal
from training.losses.ldam import LDAM
from training.losses.logit_adjusted import LogitAdjusted
from training.losses.precision_at_recall import PrecisionAtRecall
from training.losses.recall_at_precision import RecallAtPrecision
from training.model import Budget, Model
from training.network import Network
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.sampling import Oversampled, Plain, Sampling
from training.term import Term
from training.undo import undo

COLUMNS = 10
PREVALENCE = 0.1
LOW, HIGH = 0.9, 1.1
SCHEMA = Schema(columns=tuple(Numeric(name=f"x{place}", low=-100, high=100) for place in range(COLUMNS)))
HEAD = [
    "network",
    "losses",
    "positives oversampled",
    "undo",
    "observed / expected before",
    "observed / expected",
    "slope",
]
People = tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]
PLAIN = CostWeighted()


def priced(miss: float = 1.0, false_alarm: float = 1.0) -> CostWeighted:
    return CostWeighted(costs=Costs(miss=miss, false_alarm=false_alarm))


CASES: list[tuple[tuple[Loss, ...], Sampling]] = [
    *(((priced(miss),), Plain()) for miss in (0.1, 1.0, 10.0, 100.0, 1000.0)),
    *(((PLAIN,), Oversampled(times=times)) for times in (10.0, 100.0, 1000.0)),
    ((priced(10.0),), Oversampled(times=10.0)),
    ((priced(false_alarm=1000.0),), Plain()),
    *(
        ((loss,), Plain())
        for loss in (
            Focal(),
            Asymmetric(margin=0.0),
            ClassBalanced(),
            LogitAdjusted(),
            LDAM(),
            RecallAtPrecision(precision=0.5),
            PrecisionAtRecall(recall=0.9),
        )
    ),
    ((Focal(), priced(20.0)), Oversampled(times=5.0)),
]


def main(
    docs: Annotated[Path, typer.Option(help="folder of the page")] = Path("docs"),
    people: Annotated[int, typer.Option(help="in training; as many again measure")] = 100_000,
    seed: int = 0,
) -> None:
    """Train, undo, measure, and write the page; exit with 1 if a figure leaves 0.9 to 1.1."""
    random = np.random.default_rng(seed)
    clinics = clinic(random, people), clinic(random, people // 4), clinic(random, people)
    rows, wrong = [], 0
    networks: list[Network] = [Linear(), MLP(hidden=(32,))]
    for network, (losses, sampling) in track([(network, case) for network in networks for case in CASES]):
        rule, before, after = measured(network, losses, sampling, clinics, seed)
        assert after.slope is not None
        wrong += not (LOW <= after.observed_over_expected <= HIGH and LOW <= after.slope <= HIGH)
        rows.append(
            [
                type(network).__name__,
                " and ".join(map(said, losses)),
                f"{getattr(sampling, 'times', 1):g}",
                rule,
                f"{before.observed_over_expected:.4f}",
                f"{after.observed_over_expected:.3f}",
                f"{after.slope:.3f}",
            ]
        )
    page = [
        "# Probabilities after the undo",
        "",
        f"Made by `python -m benchmarks.calibration_after_undo`: {people:,} simulated people to train on and as many to",
        f"measure, one in {1 / PREVALENCE:.0f} sick, true risks logistic in {COLUMNS} columns, seed {seed}. Only the exact",
        "undo is done, no line is fitted. Prices are those of a miss and of a false alarm. Wanted: observed over expected",
        "and slope from 0.9 to 1.1.",
        "",
        *table(HEAD, rows),
    ]
    (docs / "calibration.md").write_text("\n".join(page), encoding="utf-8")
    print("\n".join(page))
    raise SystemExit(1 if wrong else 0)


def clinic(random: np.random.Generator, people: int) -> People:
    """Columns [people, 10] and who is sick, drawn with true logistic risks."""
    columns = random.normal(size=(people, COLUMNS))
    slopes = np.linspace(-0.8, 0.8, COLUMNS)
    risk = 1 / (1 + np.exp(-(columns @ slopes + math.log(PREVALENCE / (1 - PREVALENCE)) - 0.9)))
    return columns.astype(np.float32), {"sick": (random.random(people) < risk).astype(np.float32)}


def measured(
    network: Network,
    losses: tuple[Loss, ...],
    sampling: Sampling,
    clinics: tuple[People, People, People],
    seed: int,
) -> tuple[str, Reliability, Reliability]:
    """How the losses are undone, and reliability on fresh people of the logits as trained, and after the undo."""
    training, validation, fresh = clinics
    model = Model(
        name="simulated",
        purpose="",
        network=network,
        terms=tuple(Term(on="sick", against="sick", by=loss) for loss in losses),
        sampling=sampling,
        contract=Recall(at_least=0.9),
        budget=Budget(batch=2048, epochs=150),
    )
    torch.manual_seed(seed)
    net = network.build(SCHEMA, training[0], {"sick": 1})
    fitted = fit(model, net, head="sick", training=training, validation=validation, seed=seed)
    with torch.no_grad():
        raw = net(torch.from_numpy(fresh[0]))["sick"].numpy()
    made = undo(model, "sick", training[1]["sick"], fitted.pull)
    return made.undo, Reliability.of(raw, fresh[1]["sick"]), Reliability.of(made.logits(raw), fresh[1]["sick"])


def said(loss: Loss) -> str:
    """A loss in few words.

    >>> said(priced(10.0))
    'prices 10 : 1'
    """
    if isinstance(loss, CostWeighted):
        return f"prices {loss.costs.miss:g} : {loss.costs.false_alarm:g}"
    return type(loss).__name__


if __name__ == "__main__":
    typer.run(main)
