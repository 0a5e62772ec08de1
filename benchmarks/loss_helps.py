"""Does a loss of the operating region help? Where the network is too small, yes; where it fits, no difference.

    python -m benchmarks.loss_helps                (writes docs/loss-helps.md)

What the best straight line does is known in both worlds, so the finding can be checked against the truth. Exits with
1 if a loss that must help is not found to help, or if one is found to help where none can.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import track
from scipy import optimize, special, stats

from benchmarks.section import table
from models.comparison import PLAIN, Figure
from models.contracts.recall import Recall
from models.costs import Costs
from models.inputs import Inputs
from models.schema import Numeric, Schema
from training.comparing.measure import Ranking
from training.comparing.resampling import Judged, resample
from training.comparing.verdicts import verdicts
from training.fit import fit, reproducible
from training.loss import Loss
from training.losses.cost_weighted import CostWeighted
from training.losses.precision_at_recall import PrecisionAtRecall
from training.model import Budget, Model
from training.networks.linear import Linear
from training.term import Term

RECALL, PREVALENCE = 0.95, 0.2
SCHEMA = Schema(columns=(Numeric(name="a", low=-50, high=50), Numeric(name="b", low=-50, high=50)))
# The sick of the misspecified world: how many, and where; the healthy are round the origin, all spreads are 1.
MANY, CORNER = (0.9, np.array([3.0, 0.0])), (0.1, np.array([-1.0, 3.0]))
# The well-specified one: the logit of the risk.
SLOPES, LEVEL = np.array([1.6, 0.8]), -2.1
LOSSES: dict[str, Loss] = {
    PLAIN: CostWeighted(),
    "a miss costs 20": CostWeighted(costs=Costs(miss=20.0)),
    "precision at a recall of 0.95": PrecisionAtRecall(recall=RECALL),
}
FIGURE = Figure(kind="false-positive rate", at_least=RECALL, model="screen")
Rows, Sick = NDArray[np.float32], NDArray[np.float32]


@dataclass(frozen=True)
class World:
    """A name, and whether one straight line can say the truth."""

    name: str
    fits: bool

    def people(self, random: np.random.Generator, count: int) -> tuple[Rows, Sick]:
        """Columns [count, 2] and who is sick [count]."""
        columns = random.normal(size=(count, 2))
        if self.fits:
            sick = random.random(count) < special.expit(columns @ SLOPES + LEVEL)
        else:
            sick = random.random(count) < PREVALENCE
            corner = random.random(count) < CORNER[0]
            columns += sick[:, None] * np.where(corner[:, None], CORNER[1], MANY[1])
        return columns.astype(np.float32), sick.astype(np.float32)

    def rate(self, angle: float) -> float:
        """The true false-positive rate at the recall of a line whose score is cos(angle) a + sin(angle) b."""
        along = np.array([math.cos(angle), math.sin(angle)])
        if not self.fits:

            def recall(threshold: float) -> float:
                return sum(share * float(stats.norm.sf(threshold - centre @ along)) for share, centre in (MANY, CORNER))

            found = optimize.brentq(lambda threshold: recall(threshold) - RECALL, -10, 10)
            return float(stats.norm.sf(found))
        # The score is normal; beside it the logit is normal too, given the score.
        score = np.linspace(-8, 8, 4001)
        beside = float(SLOPES @ np.array([-along[1], along[0]]))
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        risk = special.expit(LEVEL + (SLOPES @ along) * score[:, None] + beside * nodes) @ (weights / weights.sum())
        sick, healthy = (np.cumsum((each * stats.norm.pdf(score))[::-1])[::-1] for each in (risk, 1 - risk))
        return float(np.interp(RECALL * sick[0], sick[::-1], healthy[::-1]) / healthy[0])

    @property
    def best(self) -> float:
        """The lowest false-positive rate of any straight line."""
        return min(self.rate(angle) for angle in np.linspace(0, math.pi / 2, 181))


WORLDS = World("misspecified", fits=False), World("well-specified", fits=True)


def main(
    docs: Annotated[Path, typer.Option(help="folder of the page")] = Path("docs"),
    seeds: int = 12,
    people: Annotated[int, typer.Option(help="in training; half as many stop it")] = 2000,
    judged: Annotated[int, typer.Option(help="people who judge, the same for all")] = 50_000,
    resamples: int = 400,
) -> None:
    """Train, judge in pairs, and write the page."""
    text, right = [], True
    for world in WORLDS:
        judges = world.people(np.random.default_rng(10**6), judged)
        trained = [candidates(world, people, seed) for seed in track(range(seeds), world.name)]
        found = [
            Judged(
                np.arange(judged),
                {name: (Ranking.of(judges[0] @ line, judges[1]),) for name, line in lines.items()},
            )
            for lines in trained
        ]
        said = verdicts((FIGURE,), resample((FIGURE,), found, resamples=resamples))
        rows = []
        for name in LOSSES:
            each = said[name][0]
            true = np.mean([world.rate(math.atan2(*lines[name][::-1])) for lines in trained])
            cells = ["", ""]
            if each.difference is not None:
                apart = each.difference
                cells = [f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}]", apart.verdict]
                right &= apart.verdict == ("no difference" if world.fits else "better")
            rows.append([name, f"{each.value:.4f}", f"{true:.4f}", *cells])
        text += [
            f"## The {world.name} world",
            "",
            f"The best straight line has a false-positive rate of {world.best:.4f} at this recall.",
            "",
            table(["loss", "measured", "true", "difference, 95 % interval", "verdict"], rows),
            "",
        ]
        print("\n".join(text))
    page = [HEAD.format(seeds=seeds, people=people, judged=judged, resamples=resamples), *text, TAIL]
    (docs / "loss-helps.md").write_text("\n".join(page), encoding="utf-8")
    raise SystemExit(0 if right else 1)


def candidates(world: World, people: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """The line [2] that each loss finds from the same people, by the loss's name."""
    random = np.random.default_rng(seed)
    training, validation = world.people(random, people), world.people(random, people // 2)
    return {name: line(loss, training, validation, seed) for name, loss in LOSSES.items()}


def line(loss: Loss, training: tuple[Rows, Sick], validation: tuple[Rows, Sick], seed: int) -> NDArray[np.float32]:
    """What a and b weigh in the network's logit."""
    model = Model(
        name="screen",
        purpose="",
        network=Linear(),
        terms=(Term(on="sick", against="sick", by=loss),),
        contract=Recall(at_least=RECALL),
        budget=Budget(batch=500, epochs=60, learning_rate=0.03, patience=5, halvings=3),
    )
    with reproducible(seed):
        net = model.network.build(SCHEMA, training[0], {"sick": 1})
    parts = [(Inputs(columns), {"sick": sick}) for columns, sick in (training, validation)]
    net = fit(model, net, head="sick", training=parts[0], validation=parts[1], seed=seed).net
    corners = np.array([[0, 0], [1, 0], [0, 1]], dtype=np.float32)
    logits = net.answers(Inputs(corners), ["sick"])["sick"].numpy()
    return np.asarray(logits[1:] - logits[0])


HEAD = """\
# When a loss helps

Made by `python -m benchmarks.loss_helps`: {seeds} seeds, {people:,} people to train on in each, {judged:,} who judge. The
network is a straight line in two columns, and what counts is the false-positive rate at a recall of 0.95. Verdicts are
those of `fulcrum compare`: paired by person and by seed, {resamples:,} resamples. "true" is the same figure of the same
lines, worked out from the world instead of counted.

**Misspecified.** Most of the sick (90 %) lie far out along `a`. The rest lie in a corner that `b` tells from the healthy
and where `a` points the wrong way. One line can not serve both. Cross-entropy turns it towards the many; but at a recall of 0.95 all of them are
caught long since, and the corner decides. A loss that cares about the last misses turns the line.

**Well-specified.** The logit of the risk is a sum of the two columns, so a line can say the truth. Then cross-entropy
finds it, and nothing can do better: a weight or a learnt threshold buys nothing.
"""
TAIL = """\
So whether a loss helps is a question to the data. `fulcrum compare` asks it of a study with its own people; it should
say "no difference" as readily as "better". It can only find what its people carry: with 10,000
judges instead of 50,000 the same difference was not found.
"""

if __name__ == "__main__":
    typer.run(main)
