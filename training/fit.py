"""Training: terms pull on the taps they name until nothing moves in the operating region."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import lightning_fabric
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize

from models.calibration import Calibration
from models.curve import Curve
from training.network import Net
from training.study import Model
from training.term import WEIGHTS, Term

# A validation loss counts as better from this share of what the network explains so far: where prices leave little
# to explain, little is much.
PROGRESS = 2e-4

Labels = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Cases:
    """Encoded columns [rows, width] and each head's labels [rows], NaN where unknown, on the device of training."""

    inputs: torch.Tensor
    labels: Mapping[str, torch.Tensor]

    def __getitem__(self, rows: torch.Tensor) -> Cases:
        return Cases(self.inputs[rows], {name: label[rows] for name, label in self.labels.items()})


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to on the validation part."""

    number: int
    loss: float
    region: float
    learning_rate: float


@dataclass(frozen=True)
class Fitted:
    """A trained network with the epoch whose weights it has, and all epochs that were run."""

    net: Net
    kept: Epoch
    history: tuple[Epoch, ...]


def fit(
    model: Model,
    net: Net,
    *,
    head: str,
    training: tuple[NDArray[np.float32], Labels],
    validation: tuple[NDArray[np.float32], Labels],
    seed: int,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Fitted:
    """Train `net` on encoded columns and labels; `head` is the outcome's.

    Tables that fit in memory stay there as tensors, encoded once: an epoch is a handful of large products, no
    loop over rows. Of all epochs within a standard error of the best in the operating region, the one with the
    lowest validation loss is kept: the region alone is jumpy, and the loss alone does not know where the model
    will work.
    """
    with reproducible(seed):
        fabric = lightning_fabric.Fabric(accelerator="cpu", devices=1)
        generator = torch.Generator().manual_seed(seed)
        shown, held = _cases(net, *training), _cases(net, *validation)
        mix = _mix(model, shown.labels[head])
        constants = {term: _constant(term, shown, mix) for term in model.terms if term.against is not None}
        scales = {term: constants[term].cost if term in constants else 1.0 for term in model.terms}
        net.start_from({term.on: best.answer for term, best in constants.items()})
        optimizer = torch.optim.Adam(net.parameters(), lr=model.budget.learning_rate)
        wrapped, optimizer = fabric.setup(net, optimizer, move_to_device=True)
        wrapped.mark_forward_method("taps")
        keeper = Keeper(model, held, head)
        history: list[Epoch] = []
        for number in range(1, model.budget.epochs + 1):
            rows = model.sampling.draw(shown.labels[head], generator)
            for batch in torch.split(rows, model.budget.batch):
                optimizer.zero_grad(set_to_none=True)
                cases = shown[batch]
                seen = replace(cases, inputs=net.encoder.emptied(cases.inputs, model.emptied, generator))
                fabric.backward(_pull(model.terms, scales, wrapped.taps, net, seen))
                optimizer.step()
            epoch = keeper.judge(net, scales, number, optimizer.param_groups[0]["lr"])
            history.append(epoch)
            progress(epoch)
            if keeper.stuck(model.budget.patience):
                if keeper.halvings == model.budget.halvings:
                    break
                keeper.halve(optimizer)
        net.load_state_dict(keeper.weights)
        return Fitted(net.eval(), keeper.kept, tuple(history))


def undo(model: Model, head: str, targets: NDArray[np.float32]) -> Calibration:
    """What the model's sampling and losses added to the outcome's logit, to be taken away again.

    `targets` are those of the training part, [rows]. Several terms on the outcome pull towards a mixture, which
    has no closed form unless their ratios agree; the fitted map then does the rest.
    """
    labels = torch.from_numpy(targets)
    pulls = [term for term in model.terms if term.on == head and term.against == head and term.weight > 0]
    ratios = [term.by.log_ratio for term in pulls]
    return Calibration(
        loss_log_ratio=float(np.average(ratios, weights=[term.weight for term in pulls])) if pulls else 0.0,
        sampling_log_ratio=model.sampling.log_ratio(labels),
        prevalence=float(targets.mean()),
    )


class Keeper:
    """Judges epochs on the validation part and keeps the weights of the best."""

    def __init__(self, model: Model, held: Cases, head: str) -> None:
        self.model, self.held, self.head = model, held, head
        self.targets = held.labels[head].cpu().numpy()
        # One standard error of a share, at its widest: differences below it are chance.
        self.noise = 0.5 / max(float(self.targets.sum()), 1.0) ** 0.5
        # Seen as often as training shows them: the loss that training lowers, not another.
        self.mix = _mix(model, held.labels[head])
        self.constant = sum(term.weight for term in model.terms if term.against is not None)
        self.top = float("-inf")
        self.lowest = float("inf")
        self.since_progress = 0
        self.halvings = 0
        self.candidates: list[tuple[Epoch, dict[str, torch.Tensor]]] = []

    @property
    def kept(self) -> Epoch:
        """The epoch to keep by now."""
        return self._best[0]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The weights of that epoch."""
        return self._best[1]

    @property
    def _best(self) -> tuple[Epoch, dict[str, torch.Tensor]]:
        return min(self.candidates, key=lambda candidate: candidate[0].loss)

    def judge(self, net: Net, scales: Mapping[Term, float], number: int, learning_rate: float) -> Epoch:
        net.eval()
        with torch.no_grad():
            taps = net.taps(self.held.inputs)
            loss = float(_data_loss(self.model.terms, scales, taps, self.held, self.mix))
            probabilities = torch.sigmoid(taps[self.head].double()).float().cpu().numpy()
        net.train()
        region = self.model.contract.region(Curve.of(probabilities, self.targets))
        epoch = Epoch(number, loss, region, learning_rate)
        moved = region > self.top or loss < self.lowest - PROGRESS * max(self.constant - loss, 0.0)
        self.since_progress = 0 if moved else self.since_progress + 1
        self.top, self.lowest = max(self.top, region), min(self.lowest, loss)
        self._consider(epoch, net)
        return epoch

    def _consider(self, epoch: Epoch, net: Net) -> None:
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
        self.candidates.append((epoch, copy.deepcopy(net.state_dict())))

    def stuck(self, patience: int) -> bool:
        return self.since_progress >= patience

    def halve(self, optimizer: torch.optim.Optimizer) -> None:
        self.halvings += 1
        self.since_progress = 0
        for group in optimizer.param_groups:
            group["lr"] /= 2


def _cases(net: Net, columns: NDArray[np.float32], labels: Labels) -> Cases:
    with torch.no_grad():
        inputs = net.encoder(torch.from_numpy(columns))
    return Cases(inputs, {name: torch.from_numpy(label) for name, label in labels.items()})


def _pull(
    terms: tuple[Term, ...],
    scales: Mapping[Term, float],
    taps: Callable[[torch.Tensor], dict[str, torch.Tensor]],
    net: Net,
    cases: Cases,
) -> torch.Tensor:
    """What one step goes down: terms on rows, and terms on the weights."""
    total = _data_loss(terms, scales, taps(cases.inputs), cases)
    for term in terms:
        if term.on == WEIGHTS:
            total = total + term.weight * term.by(net.weights(), None).sum()
    return total


def _data_loss(
    terms: tuple[Term, ...],
    scales: Mapping[Term, float],
    taps: Mapping[str, torch.Tensor],
    cases: Cases,
    mix: torch.Tensor | None = None,
) -> torch.Tensor:
    """Terms on rows, each as a share of what the best constant answer costs; rows weigh as `mix` [rows] says."""
    total = torch.zeros((), device=cases.inputs.device)
    for term in terms:
        if term.on != WEIGHTS:
            total = total + term.weight * _mean(term, taps[term.on], cases, mix) / scales[term]
    return total


def _mean(term: Term, output: torch.Tensor, cases: Cases, mix: torch.Tensor | None) -> torch.Tensor:
    """A term's mean over the rows that have its label, each row weighing as `mix` [rows] says."""
    if term.against is None:
        values = term.by(output, None)
        # A row of an embedding counts once, however wide the embedding is.
        values = values.flatten(start_dim=1).mean(dim=1) if values.ndim > 1 else values
        return values.mean() if mix is None else (values * mix).sum() / mix.sum()
    label = cases.labels[term.against]
    known = ~torch.isnan(label)
    # Rows without the label do not pull; a batch without any does not either.
    values = term.by(output[known], label[known])
    weights = torch.ones_like(values) if mix is None else mix[known]
    return (values * weights).sum() / weights.sum().clamp(min=torch.finfo(values.dtype).tiny)


def _mix(model: Model, targets: torch.Tensor) -> torch.Tensor:
    """How often each row is shown in training, relative to a negative, [rows]."""
    return torch.where(targets > 0, model.sampling.rate(targets), 1.0)


@dataclass(frozen=True)
class Constant:
    """The best answer that is the same for everybody, and what it costs a row."""

    answer: float
    cost: float


def _constant(term: Term, cases: Cases, mix: torch.Tensor) -> Constant:
    """The best constant answer to a term that is compared with something, rows weighing as `mix` [rows] says."""
    label = cases.labels[term.against or ""]
    known = ~torch.isnan(label)
    label, weights = label[known].double(), mix[known].double()
    if not len(label):
        return Constant(0.0, 1.0)

    def cost(answer: float) -> float:
        return float((term.by(torch.full_like(label, answer), label) * weights).sum() / weights.sum())

    # The best constant of a logit or of a number lies around the labels' range.
    middle, span = float(label.mean()), float(label.max() - label.min())
    bounds = min(middle - span, -20.0), max(middle + span, 20.0)
    found = optimize.minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    # Labels that are all alike cost a constant answer nothing: there is no scale to go by.
    return Constant(float(found.x), float(found.fun) if float(found.fun) > 1e-9 else 1.0)


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
