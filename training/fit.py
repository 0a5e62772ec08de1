"""Training: terms pull on the taps they name until nothing moves in the operating region."""

from __future__ import annotations

import math
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
from training.model import Budget, Model
from training.net import Net
from training.pull import Learner, Pull
from training.pull_table import PullTableMaker

__all__ = ["Epoch", "Fitted", "fit", "reproducible"]

# The share of all steps over which a rate that falls as a cosine rises first.
RISE = 0.2

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
        optimizer = _optimizer(net, pull, model.budget)
        wrapped, optimizer = fabric.setup(net, optimizer, move_to_device=True)
        wrapped.mark_forward_method("taps")
        keeper: Keeper | LastKeeper
        keeper = LastKeeper() if validation is None else Keeper(model, _cases(net, validation).to(fabric.device), head)
        table = PullTableMaker(pull, net)
        history: list[Epoch] = []
        for number in range(1, model.budget.epochs + 1):
            if pull.begin(number):
                keeper.start_over()
            rows = model.sampling.draw(shown.labels[head].cpu(), generator).to(fabric.device)
            net.train()
            for step, seen in enumerate(_batches(net, shown, rows, model, generator)):
                if model.budget.schedule == "cosine":
                    _turn_down(
                        optimizer, (number - 1 + (step + 1) * model.budget.batch / len(rows)) / model.budget.epochs
                    )
                optimizer.zero_grad(set_to_none=True)
                loss = pull(net, wrapped.taps(seen.inputs, seen.kept), seen)
                fabric.backward(loss)
                optimizer.step()
                if isinstance(keeper, LastKeeper):
                    keeper.step(loss)
            table.look(number, seen)
            epoch = keeper.judge(net, pull, number, optimizer.param_groups[0]["lr"])
            history.append(epoch)
            progress(epoch)
            if isinstance(keeper, Keeper) and model.budget.schedule == "halve" and keeper.stuck(model.budget.patience):
                if keeper.halvings == model.budget.halvings:
                    break
                keeper.halve(optimizer)
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


def _batches(
    net: Learner, shown: Cases, rows: torch.Tensor, model: Model, generator: torch.Generator
) -> Iterator[Cases]:
    """The batches of one epoch as they are shown: in a new order, some cells emptied, images varied.

    Columns are put in order once an epoch, of which batches are slices; images, which are large, once a batch.
    """
    epoch = replace(shown, kept=None)[rows]
    epoch = replace(epoch, inputs=net.encoding.emptied(epoch.inputs, model.emptied, generator))
    for start in range(0, len(rows), model.budget.batch):
        batch = slice(start, start + model.budget.batch)
        seen = epoch[batch]
        if shown.kept is not None and net.eye is not None:
            seen = replace(seen, kept=net.eye.vary(shown.kept[rows[batch]]))
        yield seen


def _turn_down(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Set the rate for a `share` of all steps done: a rise over the first fifth, then half a wave of a cosine.

    Source: Smith & Topin, "Super-Convergence", 2018; Loshchilov & Hutter, "SGDR", ICLR 2017.
    """
    rising = min(share / RISE, 1.0)
    falling = (1 + math.cos(math.pi * max(0.0, share - RISE) / (1 - RISE))) / 2
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * rising * max(falling, 0.0)


def _optimizer(net: Learner, pull: Pull, budget: Budget) -> torch.optim.Optimizer:
    """Adam; where weights decay, AdamW, which takes that from weights that multiply something and from nothing else."""
    groups = _groups(net, pull, budget.learning_rate)
    if not budget.decay:
        return torch.optim.Adam(groups, fused=True)
    decaying = {id(weight) for weight in net.each_weight()}
    apart: list[dict[str, object]] = []
    for group in groups:
        for decay, wanted in ((budget.decay, True), (0.0, False)):
            weights = [weight for weight in group["params"] if (id(weight) in decaying) is wanted]  # type: ignore[attr-defined]  # a list
            if weights:
                apart.append({**group, "params": weights, "weight_decay": decay})
    return torch.optim.AdamW(apart, fused=True)


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
