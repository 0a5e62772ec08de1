from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from models.value import Member


@dataclass(frozen=True)
class Eye:
    """An image encoder taken apart: what stays as it is, and what learns.

    `fixed` turns uint8 [rows, height, width, 3] into anything that is worth keeping a row (features [rows, ...],
    or the image itself); it is asked once for a whole part of the data, normalises, and has no gradient. `learnt`
    turns that into [rows, width] and is trained with the rest. Both export to plain ONNX operators. `vary` gives
    what training sees of a batch of kept rows (flips and the like), drawn with torch's own random numbers.
    """

    fixed: nn.Module
    learnt: nn.Module
    width: int
    # The part of `learnt` that starts from good weights, and the share of the learning rate at which it moves.
    good: nn.Module | None = None
    rate: float = 0.1

    def vary(self, kept: torch.Tensor) -> torch.Tensor:
        return kept


class ImageEncoder(Member):
    """A way from a photograph to numbers. Members name a pretrained network, or build one."""

    @abstractmethod
    def build(self, height: int, width: int) -> Eye:
        """The encoder for images of this size, with the weights it starts from.

        Raises NoData if they are not where they are looked for.
        """
