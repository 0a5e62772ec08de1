from __future__ import annotations

from abc import abstractmethod

import torch

from models.value import Member


class Loss(Member):
    """How two things are compared: what the network produces, and what it should have been.

    A loss is called with the output of a head, [rows], and targets of the same shape, or with None where
    there is nothing to compare with. It returns one value a row; averaging and weighting are the caller's. It
    has no parameters that learn, so any loss fits any tap.
    """

    @abstractmethod
    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        """One value a row, in the loss's own unit.

        Raises ValueError naming both shapes if they differ.
        """

    @property
    def log_ratio(self) -> float:
        """What training with this loss adds to the logit of the true probability; it is undone exactly."""
        return 0.0


def same_shape(output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
    """The target, if there is one of the output's shape.

    Raises ValueError naming both shapes otherwise.
    """
    if target is None or output.shape != target.shape:
        got = None if target is None else tuple(target.shape)
        raise ValueError(f"Expected one shape, got output {tuple(output.shape)}, target {got}.")
    return target
