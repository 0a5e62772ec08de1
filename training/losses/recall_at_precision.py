from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from training.loss import Learning, Output, Target
from training.operating_region import OperatingRegion


class RecallAtPrecision(Learning):
    """As few misses as can be at a precision that is kept, for a model that must be sure.

    Takes logits [rows] and targets [rows] in {0, 1}. Returns [rows], in bits. The companion learns the threshold
    and the price of the promise: at the end, misses + odds * false alarms <= positives, where odds is
    precision / (1 - precision), each counted by a bound on it. So the precision at the threshold is at least what
    was asked for among the cases that training shows. Where no network can keep that, the price stays high, and
    the loss is cross-entropy with a false alarm priced at `odds` misses.

    Precision moves with prevalence. If training shows positives at odds q and the promise is meant at odds p,
    ask for the precision whose odds are q / p times those of the promise.

    Source: Eban et al., "Scalable Learning of Non-Decomposable Objectives", AISTATS 2017.

    >>> import torch
    >>> RecallAtPrecision(precision=0.75)(torch.zeros(2), torch.tensor([1.0, 0.0])).tolist()  # no doubt at the start
    [0.5, 1.5]
    """

    output: ClassVar[Output] = "logit"
    target: ClassVar[Target] = "binary"

    precision: float = Field(0.9, gt=0, lt=1, description="to be kept among the cases as training shows them")
    pace: float = Field(
        1.0, gt=0, description="of the multiplier's logarithm, in learning rates of the network; quicker overshoots"
    )

    def companion(self, width: int) -> OperatingRegion:
        del width
        odds = self.precision / (1 - self.precision)
        return OperatingRegion(objective=(1.0, 0.0), constraint=(1.0, odds), allowed=1.0, start=1.0, pace=self.pace)
