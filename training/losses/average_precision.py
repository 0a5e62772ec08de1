from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field

from training.loss import Loss, Output, Target, same_shape


class AveragePrecision(Loss):
    """1 - average precision with soft ranks, for a model whose few highest scores should be right.

    Takes logits [rows] and targets [rows] in {0, 1}. Returns [rows]: for a positive 1 - the precision at its own
    score, for a negative 0, so scaled that the mean over the rows is 1 - average precision of the batch. A row
    counts as above another by a sigmoid of their difference over `temperature`; at 0 it would be exact. A batch
    of one kind costs nothing. It says nothing about the level of a logit: a probability needs another term.

    Source: Brown et al., "Smooth-AP: Smoothing the Path Towards Large-Scale Image Retrieval", ECCV 2020.

    >>> AveragePrecision(temperature=0.01)(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([1.0, 0.0, 1.0]))
    tensor([0.0000, 0.0000, 0.5000])
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"
    row_by_row: ClassVar[bool] = False

    temperature: float = Field(0.25, gt=0, description="difference of logits at which one is surely above, roughly")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        sick = same_shape(output, target) > 0
        if sick.all() or not sick.any():
            return output * 0.0
        above = torch.sigmoid((output.unsqueeze(0) - output[sick].unsqueeze(1)) / self.temperature)
        # A row's rank counts itself as 1; it is half above itself already.
        precision = (above[:, sick].sum(dim=1) + 0.5) / (above.sum(dim=1) + 0.5)
        shares = torch.zeros_like(output)
        shares[sick] = (1 - precision) * (len(output) / len(precision))
        return shares
