"""What a network goes down: all terms of a model, each on its tap, with whatever they learn beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from scipy import optimize
from torch import nn

from training.cases import Cases
from training.copies import Copies
from training.loss import Loss
from training.model import Model
from training.net import Net
from training.term import Term

Taps = Mapping[str, torch.Tensor]
Comparison = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
Learner = Net | Copies
# Labels that are all alike cost a constant answer nothing: there is no scale to go by.
NOTHING = 1e-9


class Pull(nn.Module):
    """The terms of a model, told what the training part holds.

    `companions` and `weighing` learn with the network; each copy of a network has companions of its own. `scales` are
    what each term's values are divided by, and `answers` the best constant answers of heads, to start from.
    """

    def __init__(self, model: Model, net: Learner, shown: Cases, mix: torch.Tensor) -> None:
        super().__init__()
        self.terms = model.terms
        self.copies = net.copies
        self.told = [_told(term, shown) for term in model.terms]
        net.eval()
        with torch.no_grad():
            taps = net.taps(shown.inputs[:2], None if shown.kept is None else shown.kept[:2])
        beside: dict[int, nn.Module] = {}
        for place, (term, loss) in enumerate(zip(self.terms, self.told, strict=True)):
            tap = None if term.on_weights else taps[term.on]
            companion = None if tap is None else _companion(loss, tap, self.copies)
            if companion is not None:
                beside[place] = companion
        self.companions = nn.ModuleList(beside.values())
        self._beside = dict(zip(beside, self.companions, strict=True))
        # Looked up once: a step is as short as that.
        self._weights = {place: net.each_weight(term.layer) for place, term in enumerate(self.terms) if term.on_weights}
        self.weighed = [place for place, term in enumerate(self.terms) if not term.on_weights]
        self.weighing = model.weighing.build(len(self.weighed))
        self.by: list[Comparison] = []
        self.begin(1)
        self.scales, self.answers = self._scales(taps, shown, mix)

    def begin(self, epoch: int) -> bool:
        """Let losses be as they are in this epoch, counted from 1; whether any is another than before."""
        now = [loss.at_epoch(epoch) for loss in self.told]
        changed = bool(self.by) and now != self.now
        self.now: list[Loss] = now
        self.by = [self._beside.get(place, loss) for place, loss in enumerate(now)]
        return changed

    def forward(self, net: Learner, taps: Taps, cases: Cases) -> torch.Tensor:
        """What one step goes down: terms on rows, and terms on weights."""
        weights, price = (None, None) if self.weighing is None else self.weighing()
        total = torch.zeros((), device=cases.inputs.device)
        for place, value in enumerate(self.values(net, taps, cases)):
            if weights is not None and place in self.weighed:
                value = value * weights[self.weighed.index(place)]  # noqa: PLW2901  # weighed once more
            total = total + value
        return total if price is None else total + price

    def values(self, net: Learner, taps: Taps, cases: Cases) -> list[torch.Tensor]:
        """The value of each term, weighed as it is written and in its own scale."""
        return [
            # Rows are averaged over copies, each of which has weights of its own.
            term.weight * _sum([by(weight, None).sum() for weight in self._weights[place]]) / self.copies
            if term.on_weights
            else term.weight * self._mean(place, taps, cases, None, net.spread) / self.scales[place]
            for place, (term, by) in enumerate(zip(self.terms, self.by, strict=True))
        ]

    def held(self, taps: Taps, cases: Cases, mix: torch.Tensor, batches: Sequence[torch.Tensor]) -> torch.Tensor:
        """All terms on rows of cases that are held out, rows weighing as `mix` [rows] says.

        A loss that compares rows with each other is asked for `batches` of rows, like those of training.
        """
        total = torch.zeros((), device=cases.inputs.device)
        for place in self.weighed:
            term, loss = self.terms[place], self.told[place]
            if not term.weight:
                continue
            if loss.row_by_row:
                value = self._mean(place, taps, cases, mix)
            else:
                parts = [
                    self._mean(place, {name: tap[rows] for name, tap in taps.items()}, cases[rows], None)
                    for rows in batches
                ]
                value = torch.stack(parts).mean()
            total = total + term.weight * value / self.scales[place]
        return total

    def _mean(
        self, place: int, taps: Taps, cases: Cases, mix: torch.Tensor | None, spread: frozenset[str] = frozenset()
    ) -> torch.Tensor:
        """A term's mean over the rows that have its label, each row weighing as `mix` [rows] says.

        Taps in `spread` have a place for each member, [rows, members, ...]: each is compared by itself.
        """
        term, by, seen = self.terms[place], self.by[place], cases.seen
        output, target = taps[term.on], _target(term, taps, cases)
        if term.against is not None and term.against in cases.labels and term.against not in cases.whole:
            assert target is not None
            known = cases.known(term.against)
            output, target = output[known], target[known]
            mix, seen = (None if each is None else each[known] for each in (mix, seen))
        if term.on not in spread:
            return _averaged(by(output, target), mix)
        members = output.shape[1]
        # A head and its label have one name, and a label is the same for all members.
        if target is not None and (term.against in cases.labels or term.against not in spread):
            target = target.unsqueeze(1).expand(-1, members, *target.shape[1:])
        seen = None if seen is None else seen.repeat_interleave(members // self.copies, dim=1)
        if self.told[place].row_by_row and not isinstance(by, Apart):
            values = by(output.flatten(0, 1), None if target is None else target.flatten(0, 1))
            return _averaged(values, seen)
        each = []
        for at in range(members):
            own = by.of[at * self.copies // members] if isinstance(by, Apart) else by
            rows = slice(None) if seen is None else seen[:, at] > 0
            each.append(_averaged(own(output[rows, at], None if target is None else target[rows, at]), None))
        return torch.stack(each).mean()

    def _scales(self, taps: Taps, shown: Cases, mix: torch.Tensor) -> tuple[list[float], dict[str, float]]:
        scales, answers = [], dict[str, float]()
        for place, (term, loss) in enumerate(zip(self.terms, self.told, strict=True)):
            scale = 1.0
            if term.against is not None and term.against in shown.labels and loss.output != "embedding":
                label = shown.labels[term.against]
                known = shown.known(term.against)
                best = _constant(self.by[place], loss, taps[term.on], label[known], mix[known])
                scale = best.cost
                if best.answer is not None:
                    answers[term.on] = best.answer
            scales.append(scale)
        return scales, answers


class Apart(nn.Module):
    """What a loss needs to learn, once for each copy of a network: what one copy saw is not told to another.

    Asked for the mean answer of all copies, it answers as the first does.
    """

    def __init__(self, of: Sequence[nn.Module]) -> None:
        super().__init__()
        self.of = nn.ModuleList(of)

    def forward(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        answer: torch.Tensor = self.of[0](output, target)
        return answer


def _companion(loss: Loss, tap: torch.Tensor, copies: int) -> nn.Module | None:
    width = tap.shape[1] if tap.ndim > 1 else 1
    if copies == 1:
        return loss.companion(width)
    found = [companion for _ in range(copies) if (companion := loss.companion(width)) is not None]
    return Apart(found) if found else None


def _sum(values: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(values).sum() if values else torch.zeros(())


def _told(term: Term, shown: Cases) -> Loss:
    if term.against is None or term.against not in shown.labels:
        return term.by
    label = shown.labels[term.against][shown.known(term.against)]
    return term.by.told(label) if len(label) else term.by


def _target(term: Term, taps: Taps, cases: Cases) -> torch.Tensor | None:
    if term.against is None:
        return None
    if term.against in cases.labels:
        return cases.labels[term.against]
    assert isinstance(term.against, str)
    return taps[term.against].detach()


def _averaged(values: torch.Tensor, mix: torch.Tensor | None) -> torch.Tensor:
    """The mean of all values, a row weighing as `mix` [rows] says.

    By `mix` [rows, members] it is the mean of each member's own mean: what others saw of a batch is nothing to it.
    """
    # A row of an embedding counts once, however wide the embedding is.
    values = values.flatten(start_dim=1).mean(dim=1) if values.ndim > 1 else values
    if mix is not None:
        values = values.reshape(mix.shape)
        return ((values * mix).sum(dim=0) / mix.sum(dim=0).clamp(min=torch.finfo(values.dtype).tiny)).mean()
    # Rows without the label do not pull; a batch without any does not either.
    return values.sum() / max(len(values), 1)


@dataclass(frozen=True)
class Constant:
    """The best answer that is the same for everybody, and what it costs a row; no answer where it is no one number."""

    answer: float | None
    cost: float


def _constant(
    by: Comparison, loss: Loss, tap: torch.Tensor, label: torch.Tensor, weights: torch.Tensor, *, most: int = 4096
) -> Constant:
    """The best constant answer to a term, rows weighing as `weights` [rows] says; 0 where a search makes no sense."""
    if not len(label):
        return Constant(0.0, 1.0)
    if label.ndim == 1:
        # In an order of their own: who has which label is not told, not even by how sums are rounded.
        order = torch.argsort(label, stable=True)
        label, weights = label[order], weights[order]
    if isinstance(by, nn.Module) or tap.ndim > 1 or not loss.row_by_row:
        # Of many, some are taken from all over.
        some = torch.linspace(0, len(label) - 1, min(most, len(label))).long()
        with torch.no_grad():
            output = tap.new_zeros((len(some), *tap.shape[1:]))
            at_nothing = float(by(output, label[some]).mean())
        return Constant(None, at_nothing if at_nothing > NOTHING else 1.0)
    label, weights = label.double(), weights.double()

    def cost(answer: float) -> float:
        return float((by(torch.full_like(label, answer), label) * weights).sum() / weights.sum())

    # The best constant of a logit or of a number lies around the labels' range.
    middle, span = float(label.mean()), float(label.max() - label.min())
    bounds = min(middle - span, -20.0), max(middle + span, 20.0)
    found = optimize.minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return Constant(float(found.x), float(found.fun) if float(found.fun) > NOTHING else 1.0)
