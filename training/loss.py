from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, Self

import torch
from torch import nn

from models.value import Member

# What a loss is put on, and what it is compared with; shapes are those of one batch.
Output = Literal["logit", "number", "levels", "embedding", "anything"]
Target = Literal["binary", "number", "count", "level", "class", "logit", "embedding", "nothing"]


class Loss(Member):
    """How two things are compared: what the network produces, and what it should have been.

    A loss is called with what a tap gives and with targets, or with None where there is nothing to compare with.
    It returns one value a row; averaging and weighting are the caller's. It has no parameters that learn: what a
    loss needs to learn (prototypes, a discriminator, a multiplier) is its companion, which the trainer keeps.

    | output | shape | | target | shape |
    | --- | --- | --- | --- | --- |
    | logit, number | [rows] | | binary, number, count, level, class, logit | [rows] |
    | levels | [rows, levels - 1] | | embedding | [rows, its width] |
    | embedding | [rows, width] | | nothing | None |
    | anything | any | | | |
    """

    output: ClassVar[Output] = "number"
    target: ClassVar[Target] = "number"
    # Whether a row's value depends on that row alone, and not on the others of its batch.
    row_by_row: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        """One value a row, in the loss's own unit.

        Raises ValueError naming both shapes if they do not belong together.
        """

    def told(self, targets: torch.Tensor) -> Self:
        """The same loss once it knows the known labels of the training part, [rows] or [rows, width]."""
        del targets
        return self

    def at_epoch(self, number: int) -> Self:
        """The same loss as it is in epoch `number`, counted from 1."""
        del number
        return self

    def companion(self, width: int) -> nn.Module | None:
        """What learns beside the network and is thrown away after training, for a tap of `width` numbers a row.

        It is called as the loss is, in its place.
        """
        del width
        return None


class Learning(Loss):
    """A loss that needs something of its own to learn; called by itself, it answers as at the start."""

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        answer: torch.Tensor = self.companion(output.shape[1] if output.ndim > 1 else 1)(output, target)
        return answer

    @abstractmethod
    def companion(self, width: int) -> nn.Module:
        """As described by the family; here there always is one, and it starts the same for the same random seed."""


def same_shape(output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
    """The target, if there is one of the output's shape.

    Raises ValueError naming both shapes otherwise.
    """
    if target is None or output.shape != target.shape:
        got = None if target is None else tuple(target.shape)
        raise ValueError(f"Expected one shape, got output {tuple(output.shape)}, target {got}.")
    return target


def same_rows(output: torch.Tensor, target: torch.Tensor | None, *, width: int | None = None) -> torch.Tensor:
    """The target [rows], if the output is [rows, any] of as many rows, or [rows, `width`] where that is given.

    Raises ValueError naming both shapes otherwise.
    """
    fits = target is not None and output.ndim == 2 and target.shape == output.shape[:1]
    if target is None or not fits or width not in {None, output.shape[-1]}:
        got = None if target is None else tuple(target.shape)
        wanted = f"output (rows, {'width' if width is None else width}), target (rows,)"
        raise ValueError(f"Expected {wanted}, got output {tuple(output.shape)}, target {got}.")
    return target


def nothing(target: torch.Tensor | None) -> None:
    """Refuse a target where there is nothing to compare with.

    Raises ValueError naming its shape.
    """
    if target is not None:
        raise ValueError(f"Expected nothing to compare with, got a target {tuple(target.shape)}.")
