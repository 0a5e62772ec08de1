from __future__ import annotations

from typing import Self

import torch
from pydantic import Field
from torch.nn import functional

from training.loss import same_shape
from training.losses.class_balanced import weights
from training.losses.counted import Counted


class LDAM(Counted):
    """Cross-entropy that asks for a wider margin around the rarer answer, and later for more weight on it.

    The margin of an answer with n rows is proportional to n^(-1/4); the rarer one has `max_margin`. With x the logit
    for a positive and its negative for a negative, a row costs ln(1 + exp(-scale (x - margin))). From
    `reweight_from_epoch` on, rows also weigh as in `ClassBalanced`. Before it is told the counts, both margins are
    `max_margin` and both weights 1.

    In the source two logits compete in a softmax, and the margin is taken off the true one. The softmax depends only
    on their difference, and that is the one logit here. There the logits are cosines, hence a scale of 30; a
    logit without bounds finds its own, hence 1.

    Takes logits [rows] and targets [rows] in {0, 1}; returns [rows].

    Source: Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019.

    >>> loss = LDAM().told(torch.tensor([1.0] + [0.0] * 16))
    >>> loss(torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor([0.9741, 0.8259])
    """

    max_margin: float = Field(0.5, ge=0, description="margin of the rarer answer, in units of the logit")
    scale: float = Field(1.0, gt=0, description="what the logit less its margin is multiplied with")
    reweight_from_epoch: int | None = Field(None, ge=1, description="from when on the rarer answer weighs more")
    beta: float = Field(0.9999, ge=0, lt=1, description="of the weights: as in ClassBalanced")
    reweighted: bool = Field(False, description="whether it does by now; training says so")

    def __call__(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        positive = same_shape(output, target) > 0
        right = torch.where(positive, output, -output)
        of_negative, of_positive = self.margins
        wrong = self.scale * (torch.where(positive, of_positive, of_negative) - right)
        of_negative, of_positive = self.weights
        return -torch.where(positive, of_positive, of_negative) * functional.logsigmoid(-wrong)

    def at_epoch(self, number: int) -> Self:
        begun = self.reweight_from_epoch is not None and number >= self.reweight_from_epoch
        return self.model_copy(update={"reweighted": begun})

    @property
    def margins(self) -> tuple[float, float]:
        """What the logit of a negative and of a positive must exceed 0 by."""
        negatives, positives = self.counts
        fewest = min(self.counts)
        return (self.max_margin * (fewest / negatives) ** 0.25, self.max_margin * (fewest / positives) ** 0.25)

    @property
    def weights(self) -> tuple[float, float]:
        """What a negative and a positive weigh in the present epoch."""
        return weights(self.counts, self.beta) if self.reweighted else (1.0, 1.0)
