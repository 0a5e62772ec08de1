from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.inputs import Inputs
from training.copies import Copies
from training.looking import looked_at
from training.net import Net
from training.reference import Reference

# What terms are compared with: labels and columns by name, and what other models say.
Labels = Mapping[str | Reference, NDArray[np.float32]]


@dataclass(frozen=True)
class Cases:
    """Cases as training takes them, on its device.

    `inputs` are encoded columns [rows, width], `kept` is what was kept of each image, and `labels` are what terms
    are compared with, [rows] or [rows, width], NaN where unknown; those named in `whole` are known in every row.
    `numbers` are the inputs after an embedding of numbers that learns nothing; None where nobody has worked them out.
    `seen` [rows, copies] is 1 where a copy of the network may learn from a row and 0 where not; None if all may.
    """

    inputs: torch.Tensor
    labels: Mapping[str | Reference, torch.Tensor]
    kept: torch.Tensor | None = None
    whole: frozenset[str | Reference] = frozenset()
    seen: torch.Tensor | None = None
    numbers: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, rows: torch.Tensor | slice) -> Cases:
        labels = {name: label[rows] for name, label in self.labels.items()}
        kept, seen, numbers = (None if each is None else each[rows] for each in (self.kept, self.seen, self.numbers))
        return Cases(self.inputs[rows], labels, kept, self.whole, seen, numbers)

    def known(self, name: str | Reference) -> torch.Tensor:
        """Which rows have this label, bool [rows]."""
        label = self.labels[name]
        return ~torch.isnan(label if label.ndim == 1 else label.sum(dim=1))

    def to(self, device: torch.device) -> Cases:
        """The same cases on a device."""
        kept, seen, numbers = (
            None if each is None else each.to(device) for each in (self.kept, self.seen, self.numbers)
        )
        labels = {name: label.to(device) for name, label in self.labels.items()}
        return Cases(self.inputs.to(device), labels, kept, self.whole, seen, numbers)

    def joined(self, inputs: torch.Tensor, head: str) -> Cases:
        """With further positives of `head`, encoded columns [more, width], of whom nothing else is known."""
        more = len(inputs)
        labels = {
            name: torch.cat([label, label.new_full((more, *label.shape[1:]), 1.0 if name == head else torch.nan)])
            for name, label in self.labels.items()
        }
        whole = self.whole if not more else self.whole & {head}
        return replace(self, inputs=torch.cat([self.inputs, inputs]), labels=labels, whole=whole)


@torch.no_grad()
def cases(net: Net | Copies, rows: Inputs, labels: Labels) -> Cases:
    """Columns and images are encoded once for all of training."""
    net.eval()
    inputs = net.encoding(torch.from_numpy(rows.columns))
    kept = None
    if net.fixed is not None:
        assert rows.image is not None
        kept = looked_at(net.fixed, rows.image)
    known = {name: torch.from_numpy(label) for name, label in labels.items()}
    whole = frozenset(name for name, label in known.items() if not torch.isnan(label).any())
    return Cases(inputs, known, kept, whole)
