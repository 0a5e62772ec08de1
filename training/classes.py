"""Class labels as losses get them: 0, 1, 2 ... in whatever type of number."""

from __future__ import annotations

import torch


def counted(targets: torch.Tensor) -> int:
    """How many classes there are in known labels [rows]: one more than the highest, and 2 at least.

    >>> counted(torch.tensor([0.0, 2.0]))
    3
    """
    return max(int(targets.max()) + 1, 2) if len(targets) else 2


def as_classes(target: torch.Tensor, count: int) -> torch.Tensor:
    """Labels [rows] as int64.

    Raises ValueError naming the first that is not a whole number from 0 to `count` - 1.
    """
    wrong = target[(target < 0) | (target >= count) | (target != target.floor())]
    if len(wrong):
        raise ValueError(f"Expected classes from 0 to {count - 1}, got class {float(wrong[0]):g}.")
    return target.long()
