from __future__ import annotations

import math

import torch
from pydantic import Field
from torch.nn import functional

from training.loss import same_shape
from training.losses.counted import Counted


class LogitAdjusted(Counted):
    """Cross-entropy in which the logit answers as if both answers were equally frequent.

    The logit is compared after adding tau ln(positives / negatives), so that the network need not learn how rare
    positives are. Before it is told the counts, it is cross-entropy.

    Takes logits [rows] and targets [rows] in {0, 1}; returns [rows].

    Source: Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, equation 10; there a softmax of two
    logits, whose difference is the one logit here.

    >>> loss = LogitAdjusted().told(torch.tensor([1.0, 0.0, 0.0, 0.0]))
    >>> loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor([1.3863, 0.2877])
    """

    tau: float = Field(1.0, ge=0, description="how much of the frequencies is taken out; 0 is cross-entropy")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_shape(output, target)
        negatives, positives = self.counts
        adjusted = output + self.tau * (math.log(positives) - math.log(negatives))
        return functional.binary_cross_entropy_with_logits(adjusted, target, reduction="none")
