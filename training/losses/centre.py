from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import nn

from training.classes import as_classes, counted
from training.loss import Learning, Output, Target, same_rows

# An optimizer step moves a centre as far as ten steps move a weight: centres follow the rows, not the reverse.
PACE = 10.0


class Centre(Learning):
    """Draws embeddings of one class around a centre of their own, which moves along.

    Takes embeddings [rows, width] and classes [rows]. Returns [rows], half the squared distance from the centre of
    the row's class. The companion holds the centres, which begin at the origin. It goes beside a term that keeps
    the classes apart: alone, it is lowest where every embedding is the same.

    Source: Wen, Zhang, Li & Qiao, "A Discriminative Feature Learning Approach for Deep Face Recognition", ECCV 2016.

    >>> Centre()(torch.tensor([[3.0, 4.0]]), torch.tensor([1.0]))
    tensor([12.5000], grad_fn=<DivBackward0>)
    """

    output: ClassVar[Output] = "embedding"
    target: ClassVar[Target] = "class"

    classes: int = Field(2, ge=2, description="there are; as many as the training part holds, once that is known")

    def told(self, targets: torch.Tensor) -> Self:
        return self.model_copy(update={"classes": counted(targets)})

    def companion(self, width: int) -> Centres:
        return Centres(self.classes, width)


class Centres(nn.Module):
    """A centre for each class, learnt with the network; `places` [classes, width]."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.slow = nn.Parameter(torch.zeros(classes, width))

    @property
    def places(self) -> torch.Tensor:
        return PACE * self.slow

    def forward(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_rows(output, target, width=self.slow.shape[1])
        return (output - self.places[as_classes(target, len(self.slow))]).square().sum(dim=1) / 2
