from __future__ import annotations

from typing import ClassVar, Self

import torch
from pydantic import Field

from training.loss import Learning, Output, Target
from training.operating_region import OperatingRegion


class PrecisionAtRecall(Learning):
    """As few false alarms as can be at a recall that is kept, for a screen that must not let the sick through.

    Takes logits [rows] and targets [rows] in {0, 1}. Returns [rows], in bits. The companion learns the threshold
    and the price of the promise: at the end, misses <= (1 - recall) * positives, misses counted by a bound on
    them. So the recall at the threshold is at least what was asked for among the cases that training shows; it
    does not depend on how often they are shown.

    Source: Eban et al., "Scalable Learning of Non-Decomposable Objectives", AISTATS 2017.

    >>> PrecisionAtRecall(recall=0.75)(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor([0.3750, 0.5000], grad_fn=<DivBackward0>)
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"

    recall: float = Field(0.9, gt=0, lt=1, description="to be kept")
    pace: float = Field(
        1.0, gt=0, description="of the multiplier's logarithm, in learning rates of the network; quicker overshoots"
    )
    start: float | None = Field(
        None, gt=0, description="price of a miss to begin with; None: negatives for each positive, 1 if not known"
    )

    def told(self, targets: torch.Tensor) -> Self:
        positives = int((targets > 0).sum())
        if self.start is not None or positives in {0, len(targets)}:
            return self
        return self.model_copy(update={"start": (len(targets) - positives) / positives})

    def companion(self, width: int) -> OperatingRegion:
        del width
        return OperatingRegion(
            objective=(0.0, 1.0),
            constraint=(1.0, 0.0),
            allowed=1 - self.recall,
            start=self.start or 1.0,
            pace=self.pace,
        )
