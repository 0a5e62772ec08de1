from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from training.classes import as_classes, counted
from training.loss import Learning, Output, Target, same_rows


class Prototype(Learning):
    """Brings embeddings nearer to the prototype of their own class than to any other.

    Takes embeddings [rows, width] and classes [rows]. Returns [rows], the cross-entropy of a choice among classes
    whose logits are the negative squared distances from their prototypes, over `temperature`. The companion holds
    the prototypes, which begin at random.

    Source: Yang et al., "Robust Classification with Convolutional Prototype Learning", CVPR 2018; Snell, Swersky &
    Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017.

    >>> loss = Prototype().companion(2)
    >>> with torch.no_grad():
    ...     loss.places[:] = torch.tensor([[0.0, 0.0], [2.0, 0.0]])
    >>> loss(torch.tensor([[1.0, 5.0], [2.0, 0.0]]), torch.tensor([0.0, 1.0]))  # between both, and at its own
    tensor([0.6931, 0.0181], grad_fn=<NllLossBackward0>)
    """

    output: ClassVar[Output] = "embedding"
    target: ClassVar[Target] = "class"

    temperature: float = Field(1.0, gt=0, description="squared distance that makes a class e times as likely")
    classes: int = Field(2, ge=2, description="there are; as many as the training part holds, once that is known")

    def told(self, targets: torch.Tensor) -> Self:
        return self.model_copy(update={"classes": counted(targets)})

    def companion(self, width: int) -> Prototypes:
        return Prototypes(self.classes, width, self.temperature)


class Prototypes(nn.Module):
    """A prototype for each class, learnt with the network; `places` [classes, width]."""

    def __init__(self, classes: int, width: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.places = nn.Parameter(torch.randn(classes, width))

    def logits(self, output: torch.Tensor) -> torch.Tensor:
        """How near each class is, [rows, classes]: negative squared distances without what they have in common.

        Far out in float32, all that tells two squared distances apart is lost beside the square of the embedding.
        """
        return (2 * output @ self.places.T - self.places.square().sum(dim=1)) / self.temperature

    def forward(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_rows(output, target, width=self.places.shape[1])
        return functional.cross_entropy(self.logits(output), as_classes(target, len(self.places)), reduction="none")
