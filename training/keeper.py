"""Which epoch's weights are kept, and when training has done what it can."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch

from models.curve import Curve
from training.cases import Cases
from training.model import Model
from training.pull import Learner, Pull

# A validation loss counts as better from this share of what the network explains so far: where prices leave little
# to explain, little is much.
PROGRESS = 2e-4


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to on the validation part; on the training part, where there is no other.

    `region` is how well the network does near its contract; NaN where no part is left to tell.
    """

    number: int
    loss: float
    region: float
    learning_rate: float

    def __str__(self) -> str:
        region = "" if math.isnan(self.region) else f", region {self.region:.4f}"
        return f"epoch {self.number}, loss {self.loss:.4f}{region}"


class Keeper:
    """Judges epochs on the validation part and keeps the weights of the best, and of what learns beside them."""

    def __init__(self, model: Model, held: Cases, head: str) -> None:
        self.model, self.held, self.head = model, held, head
        self.targets = held.labels[head].cpu().numpy()
        # One standard error of a share, at its widest: differences below it are chance.
        self.noise = 0.5 / max(float(self.targets.sum()), 1.0) ** 0.5
        # Seen as often as training shows them: the loss that training lowers, not another.
        self.mix = mix(model, held.labels[head])
        drawn = model.sampling.draw(held.labels[head].cpu(), torch.Generator().manual_seed(0))
        self.batches = torch.split(drawn.to(held.inputs.device), model.budget.batch)
        self.constant = sum(term.weight for term in model.terms if term.against is not None)
        self.halvings = 0
        self.start_over()

    def start_over(self) -> None:
        """Forget what was best so far: losses are others from now on."""
        self.top = float("-inf")
        self.lowest = float("inf")
        self.since_progress = 0
        self.candidates: list[tuple[Epoch, dict[str, Any]]] = []

    @property
    def kept(self) -> Epoch:
        """The epoch to keep by now."""
        return self._best[0]

    @property
    def weights(self) -> dict[str, Any]:
        """The weights of that epoch."""
        return self._best[1]

    @property
    def _best(self) -> tuple[Epoch, dict[str, Any]]:
        return min(self.candidates, key=lambda candidate: candidate[0].loss)

    def judge(self, net: Learner, pull: Pull, number: int, learning_rate: float, shown: float = math.nan) -> Epoch:
        """What an epoch comes to on the validation part; `shown` is what it came to in training, and is not asked."""
        del shown
        net.eval()
        with torch.no_grad():
            taps = self._taps(net)
            loss = float(pull.held(taps, self.held, self.mix, self.batches))
            probabilities = torch.sigmoid(taps[self.head].double()).float().cpu().numpy()
        region = self.model.contract.region(Curve.of(probabilities, self.targets))
        epoch = Epoch(number, loss, region, learning_rate)
        moved = region > self.top or loss < self.lowest - PROGRESS * max(self.constant - loss, 0.0)
        self.since_progress = 0 if moved else self.since_progress + 1
        self.top, self.lowest = max(self.top, region), min(self.lowest, loss)
        self._consider(epoch, net, pull)
        return epoch

    def _taps(self, net: Learner) -> dict[str, torch.Tensor]:
        """All taps of the held cases; images are looked at a batch at a time."""
        if self.held.kept is None:
            return net.taps(self.held.inputs)
        parts = [
            net.taps(inputs, kept)
            for inputs, kept in zip(
                torch.split(self.held.inputs, self.model.budget.batch),
                torch.split(self.held.kept, self.model.budget.batch),
                strict=True,
            )
        ]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _consider(self, epoch: Epoch, net: Learner, pull: Pull | None = None) -> None:
        """Keep the weights of every epoch that may still turn out best: near the top, and beaten in neither figure."""
        known = [candidate for candidate, _ in self.candidates]
        if epoch.region < self.top - self.noise or any(
            other.region >= epoch.region and other.loss <= epoch.loss for other in known
        ):
            return
        self.candidates = [
            (other, weights)
            for other, weights in self.candidates
            if other.region >= self.top - self.noise and (other.region > epoch.region or other.loss < epoch.loss)
        ]
        beside = {} if pull is None else pull.state_dict()
        self.candidates.append((epoch, copy.deepcopy({"net": _moving(net), "pull": beside})))

    def restore(self, net: Learner, pull: Pull) -> None:
        """Give the network, and what learns beside it, the weights of the epoch to keep."""
        net.load_state_dict(self.weights["net"], strict=False)
        pull.load_state_dict(self.weights["pull"])

    def stuck(self, patience: int) -> bool:
        return self.since_progress >= patience

    def halve(self) -> None:
        """Begin to wait anew, at half the rate."""
        self.halvings += 1
        self.since_progress = 0


class LastKeeper:
    """Keeps the last epoch: where every row teaches, none is left to choose an epoch by."""

    halvings = 0

    def start_over(self) -> None:
        """Nothing to forget: no epoch is compared with another."""

    def judge(self, net: Learner, pull: Pull, number: int, learning_rate: float, shown: float) -> Epoch:
        """An epoch by what it came to in training."""
        del net, pull
        self.kept = Epoch(number, shown, math.nan, learning_rate)
        return self.kept

    def stuck(self, patience: int) -> bool:
        """Never: nothing tells."""
        del patience
        return False

    def halve(self) -> None:
        """Nothing waits."""

    def restore(self, net: Learner, pull: Pull) -> None:
        """The weights are those of the last epoch already."""


def _moving(net: Learner) -> dict[str, torch.Tensor]:
    """The state of a network without what stays as it is."""
    return {name: value for name, value in net.state_dict().items() if not name.startswith("fixed.")}


def mix(model: Model, targets: torch.Tensor) -> torch.Tensor:
    """How often each row is shown in training, relative to a negative, [rows]."""
    return torch.where(targets > 0, model.sampling.rate(targets), 1.0)
