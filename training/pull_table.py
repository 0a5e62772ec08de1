"""Look how hard each term pulls on each tap."""

from __future__ import annotations

import torch

from models.pulls import Look, PullTable
from training.cases import Cases
from training.net import WEIGHTS
from training.pull import Learner, Pull
from training.term import said


class PullTableMaker:
    """Looks after the epochs 1, 2, 4, 8 ...: pulls change quickly at first, and a look costs a step a term."""

    def __init__(self, pull: Pull, net: Learner) -> None:
        self.pull, self.net = pull, net
        self.taps = (*net.tap_names(), WEIGHTS)
        self.looks: list[Look] = []

    @property
    def table(self) -> PullTable:
        """What was seen so far."""
        return PullTable(terms=said(self.pull.terms), taps=self.taps, looks=tuple(self.looks))

    def look(self, epoch: int, cases: Cases) -> None:
        """Look at a batch, if this epoch is one to look at; nothing that training uses is changed."""
        if epoch & (epoch - 1):
            return
        # As it answers: nothing is left out by chance, and no running mean is moved.
        self.net.eval()
        taps = self.net.taps(cases.inputs.detach().requires_grad_(), cases.kept)
        values = self.pull.values(self.net, taps, cases)
        self.looks.append(Look(epoch=epoch, norms=tuple(self._norms(value, taps, len(cases)) for value in values)))

    def _norms(self, value: torch.Tensor, taps: dict[str, torch.Tensor], rows: int) -> tuple[float | None, ...]:
        weights = [weight for weight in self.net.parameters() if weight.requires_grad]
        if not value.requires_grad:
            return (None,) * len(self.taps)
        asked = [*(taps[name] for name in self.taps[:-1]), *weights]
        found = torch.autograd.grad(value, asked, retain_graph=True, allow_unused=True)
        count = len(self.taps) - 1
        # The value is a mean over rows: times their number a row's own pull, whatever the size of the batch.
        norms = [None if each is None else float(each.norm()) * rows**0.5 for each in found[:count]]
        own = [each.norm() for each in found[count:] if each is not None]
        return (*norms, float(torch.stack(own).norm()) if own else None)
