from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field
from torch import nn

from training.loss import Learning, Output, Target


class EmbeddingMatch(Learning):
    """Teaches an embedding to hold what a larger network's embedding holds.

    Takes embeddings [rows, width] and the teacher's embeddings [rows, its width]. Returns [rows], half the mean
    squared difference between the teacher's numbers and what a linear map makes of the embedding. The companion
    learns that map, which begins as the identity, as far as both widths go.

    Source: Romero et al., "FitNets: Hints for Thin Deep Nets", ICLR 2015.

    >>> EmbeddingMatch()(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 4.0]]))
    tensor([1.], grad_fn=<DivBackward0>)
    """

    output: ClassVar[Output] = "embedding"
    target: ClassVar[Target] = "embedding"

    teacher_width: int | None = Field(
        None, ge=1, description="numbers a row of the teacher; None: as many as the embedding, until it is known"
    )

    def told(self, targets: torch.Tensor) -> Self:
        return self.model_copy(update={"teacher_width": targets.shape[1]})

    def companion(self, width: int) -> Regressor:
        return Regressor(width, self.teacher_width or width)


class Regressor(nn.Module):
    """A linear map from an embedding to the teacher's, learnt with the network."""

    def __init__(self, width: int, teacher_width: int) -> None:
        super().__init__()
        self.map = nn.Linear(width, teacher_width)
        nn.init.eye_(self.map.weight)
        nn.init.zeros_(self.map.bias)

    def forward(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        rows = output.shape[0] if output.ndim else 0
        wanted = (rows, self.map.in_features), (rows, self.map.out_features)
        if target is None or (output.shape, target.shape) != wanted:
            got = None if target is None else tuple(target.shape)
            raise ValueError(
                f"Expected output (rows, {self.map.in_features}), target (rows, {self.map.out_features}),"
                f" got output {tuple(output.shape)}, target {got}."
            )
        mapped: torch.Tensor = self.map(output)
        return (mapped - target).square().mean(dim=1) / 2
