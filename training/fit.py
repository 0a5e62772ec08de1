"""Training: terms pull on the taps they name until nothing moves in the operating region."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import lightning_fabric
import numpy as np
import torch
from numpy.typing import NDArray

from models.inputs import Inputs
from models.pulls import PullTable
from training.averaged import Averaged
from training.cases import Cases, Labels, cases
from training.copies import Copies
from training.keeper import Epoch, Keeper, LastKeeper, mix
from training.model import Model
from training.net import Net
from training.pull import Learner, Pull
from training.pull_table import PullTableMaker
from training.steps import AllAtOnce, Batches

__all__ = ["Epoch", "Fitted", "fit", "reproducible"]

Part = tuple[Inputs | NDArray[np.float32], Labels]


@dataclass(frozen=True)
class Fitted:
    """A trained network with the epoch whose weights it has, and all epochs that were run.

    `pull` is what it went down, as it was in that epoch; `pulls` says how hard each term pulled on each tap. `unseen`
    holds what each head says of the rows of the training part, [rows] or [rows, width], by the mean of the copies
    that never saw them; None if every network saw them all. `beside` is what further networks of the model went down.
    """

    net: Net | Copies | Averaged
    kept: Epoch
    history: tuple[Epoch, ...]
    pull: Pull
    pulls: PullTable
    unseen: Mapping[str, NDArray[np.float32]] | None = None
    beside: tuple[Pull, ...] = ()


def fit(
    model: Model,
    net: Learner,
    *,
    head: str,
    training: Part,
    validation: Part | None,
    seed: int,
    held: NDArray[np.bool_] | None = None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Fitted:
    """Train `net` on columns, images and labels; `head` is the outcome's.

    Copies are `held` bool [rows, copies] from some rows of the training part each. There is then no validation part,
    and the last epoch is kept.

    Tables that fit in memory stay there as tensors, encoded once: an epoch is a handful of large products, no
    loop over rows. Of all epochs within a standard error of the best in the operating region, the one with the
    lowest validation loss is kept: the region alone is jumpy, and the loss alone does not know where the model
    will work.
    """
    with reproducible(seed):
        # A table is learnt faster on a processor; a photograph is not.
        tuned = net.learnt is not None and any(weight.requires_grad for weight in net.learnt.parameters())
        fabric = lightning_fabric.Fabric(accelerator="auto" if tuned else "cpu", devices=1)
        generator = torch.Generator().manual_seed(seed)
        shown = _cases(net, training).to(fabric.device)
        shown = shown.joined(model.sampling.more(shown.inputs, shown.labels[head], seed), head)
        if held is not None:
            shown = replace(shown, seen=torch.from_numpy(~held).float().to(fabric.device))
        net = net.to(fabric.device)
        pull = Pull(model, net, shown, mix(model, shown.labels[head])).to(fabric.device)
        net.start_from(pull.answers)
        kind = AllAtOnce if model.budget.schedule == "whole" else Batches
        steps = kind(model, net, pull, shown, head, fabric=fabric, generator=generator)
        keeper: Keeper | LastKeeper
        keeper = LastKeeper() if validation is None else Keeper(model, _cases(net, validation).to(fabric.device), head)
        table = PullTableMaker(pull, net)
        history: list[Epoch] = []
        for number in range(1, model.budget.epochs + 1):
            if pull.begin(number):
                keeper.start_over()
            net.train()
            seen, loss = steps.epoch(number)
            table.look(number, seen)
            epoch = keeper.judge(net, pull, number, steps.rate, loss)
            history.append(epoch)
            progress(epoch)
            if steps.settled:
                break
            if model.budget.schedule == "halve" and keeper.stuck(model.budget.patience):
                if keeper.halvings == model.budget.halvings:
                    break
                keeper.halve()
                steps.halve()
        keeper.restore(net, pull)
        pull.begin(keeper.kept.number)
        net = net.eval().cpu()
        return Fitted(net, keeper.kept, tuple(history), pull.cpu(), table.table, _unseen(net, shown, held))


def _unseen(net: Learner, shown: Cases, held: NDArray[np.bool_] | None) -> dict[str, NDArray[np.float32]] | None:
    if held is None or not isinstance(net, Copies):
        return None
    answers = net.unseen(shown.inputs.cpu(), torch.from_numpy(held))
    return {head: answer.numpy() for head, answer in answers.items()}


def _cases(net: Learner, part: Part) -> Cases:
    rows, labels = part
    return cases(net, Inputs.of(rows), labels)


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Same seed, same machine, same weights; afterwards everything is as it was."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        # Sums over several threads may round differently from run to run.
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(mode=True)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(mode=strict)
