from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field

from training.loss import Loss, Output, Target
from training.losses.tversky import Tversky


class SoftFBeta(Loss):
    """What a batch lacks of an F score of 1, in which recall counts `beta` times as much as precision.

    The F score of probabilities in place of decisions: 1 - (1 + beta²) TP / ((1 + beta²) TP + beta² FN + FP), from 0
    to 1. That is Tversky's loss with prices that add up to 1; rows share it, and a batch without positives costs
    nothing, as there.

    Takes logits [rows] and targets [rows] in {0, 1}; returns [rows].

    Source: van Rijsbergen, "Information Retrieval", 1979, for the score; Milletari et al., "V-Net: Fully
    Convolutional Neural Networks for Volumetric Medical Image Segmentation", 3DV 2016, for probabilities in it.

    >>> SoftFBeta(beta=2.0)(torch.tensor([9.0, -9.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])).mean()
    tensor(0.0910)
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = False

    beta: float = Field(1.0, gt=0, description="1 is the harmonic mean of precision and recall")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        square = self.beta**2
        return Tversky(alpha=1 / (1 + square), beta=square / (1 + square))(output, target)
