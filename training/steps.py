"""How a network goes down: batch by batch with Adam, or with all rows at once."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace

import lightning_fabric
import torch

from training.cases import Cases
from training.model import Budget, Model
from training.pull import Learner, Pull

# The share of all steps over which a rate that falls as a cosine rises first.
RISE = 0.2
# Iterations of L-BFGS in what counts as an epoch, and the share of its loss that an epoch has to bring.
ITERATIONS, WORTH = 10, 1e-7
# Rows whose numbers are embedded at once.
TOGETHER = 8192


class Steps(ABC):
    """Epochs of training: what moves a network, and what it is shown."""

    def __init__(
        self,
        model: Model,
        net: Learner,
        pull: Pull,
        shown: Cases,
        head: str,
        *,
        fabric: lightning_fabric.Fabric,
        generator: torch.Generator,
    ) -> None:
        self.model, self.net, self.pull, self.shown, self.head = model, net, pull, shown, head
        self.fabric, self.generator = fabric, generator
        self.wrapped, self.optimizer = fabric.setup(net, self.built(), move_to_device=True)
        self.wrapped.mark_forward_method("taps")

    @abstractmethod
    def built(self) -> torch.optim.Optimizer:
        """The optimizer."""

    @abstractmethod
    def epoch(self, number: int) -> tuple[Cases, float]:
        """Go down for one epoch, counted from 1: what was shown last, and the mean loss on the way."""

    @property
    def rate(self) -> float:
        """The learning rate as it is now."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def settled(self) -> bool:
        """Whether nothing moves any more."""
        return False

    def halve(self) -> None:
        """Halve the learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] /= 2

    def loss(self, seen: Cases) -> torch.Tensor:
        """What one step goes down."""
        loss: torch.Tensor = self.pull(self.net, self.wrapped.taps(seen.inputs, seen.kept, seen.numbers), seen)
        return loss

    def batches(self, rows: torch.Tensor, size: int) -> Iterator[Cases]:
        """The batches of one epoch as they are shown: in a new order, some cells emptied, images varied.

        Columns are put in order once an epoch, of which batches are slices, and numbers are embedded many rows at once
        where that needs no learning; images, which are large, are put in order once a batch.
        """
        net, shown = self.net, self.shown
        epoch = replace(shown, kept=None)[rows]
        epoch = replace(epoch, inputs=net.encoding.emptied(epoch.inputs, self.model.emptied, self.generator))
        numbers, together = None, size * max(1, TOGETHER // size)
        for start in range(0, len(rows), size):
            batch = slice(start, start + size)
            if start % together == 0:
                numbers = net.known_numbers(epoch.inputs[start : start + together])
            seen = epoch[batch]
            if numbers is not None:
                seen = replace(seen, numbers=numbers[start % together :][:size])
            if shown.kept is not None and net.eye is not None:
                seen = replace(seen, kept=net.eye.vary(shown.kept[rows[batch]]))
            yield seen

    def drawn(self) -> torch.Tensor:
        """The rows of an epoch."""
        rows = self.model.sampling.draw(self.shown.labels[self.head].cpu(), self.generator)
        return rows.to(self.shown.inputs.device)


class Batches(Steps):
    """A step of Adam a batch."""

    def built(self) -> torch.optim.Optimizer:
        groups = _groups(self.net, self.pull, self.model.budget.learning_rate)
        if not self.model.budget.decay:
            return torch.optim.Adam(groups, fused=True)
        return torch.optim.AdamW(_decaying(groups, self.net, self.model.budget), fused=True)

    def epoch(self, number: int) -> tuple[Cases, float]:
        rows, budget, losses = self.drawn(), self.model.budget, []
        for step, seen in enumerate(self.batches(rows, budget.batch)):
            if budget.schedule == "cosine":
                self._turn_down((number - 1 + (step + 1) * budget.batch / len(rows)) / budget.epochs)
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(seen)
            self.fabric.backward(loss)
            self.optimizer.step()
            losses.append(loss.detach())
        return seen, float(torch.stack(losses).mean())

    def _turn_down(self, share: float) -> None:
        """Set the rate for a `share` of all steps done: a rise over the first fifth, then half a wave of a cosine.

        Source: Smith & Topin, "Super-Convergence", 2018; Loshchilov & Hutter, "SGDR", ICLR 2017.
        """
        rising = min(share / RISE, 1.0)
        falling = (1 + math.cos(math.pi * max(0.0, share - RISE) / (1 - RISE))) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rising * max(falling, 0.0)


class AllAtOnce(Steps):
    """L-BFGS on all rows, drawn and emptied once: what there is to find in a convex problem is found in few steps.

    Source: Liu & Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical Programming
    1989.
    """

    before, last, seen = math.inf, math.inf, None

    def built(self) -> torch.optim.Optimizer:
        weights = [weight for weight in (*self.net.parameters(), *self.pull.parameters()) if weight.requires_grad]
        return torch.optim.LBFGS(
            weights, max_iter=ITERATIONS, history_size=20, tolerance_grad=1e-10, line_search_fn="strong_wolfe"
        )

    def epoch(self, number: int) -> tuple[Cases, float]:
        del number
        if self.seen is None:
            rows = self.drawn()
            self.seen = next(self.batches(rows, len(rows)))
        seen = self.seen

        def closed() -> torch.Tensor:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(seen)
            self.fabric.backward(loss)
            return loss

        self.before = self.last
        self.optimizer.step(closed)
        with torch.no_grad():
            self.last = float(self.loss(seen))
        return seen, self.last

    @property
    def settled(self) -> bool:
        return self.before - self.last < WORTH * abs(self.last)


def _groups(net: Learner, pull: Pull, rate: float) -> list[dict[str, object]]:
    """What learns, and how fast: what starts from good weights moves less."""
    good = net.eye.good if net.eye else None
    encoder = [] if good is None else [weight for weight in good.parameters() if weight.requires_grad]
    among = {id(weight) for weight in encoder}
    rest = [weight for weight in net.parameters() if weight.requires_grad and id(weight) not in among]
    groups: list[dict[str, object]] = [{"params": [*rest, *pull.parameters()], "lr": rate}]
    if encoder and net.eye is not None:
        groups.append({"params": encoder, "lr": rate * net.eye.rate})
    return [{**group, "initial_lr": group["lr"]} for group in groups]


def _decaying(groups: list[dict[str, object]], net: Learner, budget: Budget) -> list[dict[str, object]]:
    """The same groups, weights that multiply something apart: they decay, and nothing else does."""
    multiplying = {id(weight) for weight in net.each_weight()}
    apart: list[dict[str, object]] = []
    for group in groups:
        weights = group["params"]
        assert isinstance(weights, list)
        for decay, wanted in ((budget.decay, True), (0.0, False)):
            if some := [weight for weight in weights if (id(weight) in multiplying) is wanted]:
                apart.append({**group, "params": some, "weight_decay": decay})
    return apart
