"""What a loss about one point of the curve learns: where that point is, and what its promise costs."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from training.loss import same_shape
from training.reversal import ascending

# The multiplier stays within this factor of where it starts, both ways, also where no network can keep the promise.
REACH = 1e4


class OperatingRegion(nn.Module):
    """One count of mistakes made small while another is kept within its bound, at a learnt threshold.

    Mistakes are counted by the logistic bound on them: log2(1 + e^-z) is at least 1 where z <= 0, and the price of
    it is a cross-entropy, so that the probability behind a logit can be worked out. With M the mean over rows of
    the misses and A of the false alarms so counted, this is the Lagrangian of

        lowest  objective . (M, A)  where  constraint . (M, A) <= allowed * the share of positives

    divided by 1 + the multiplier, so that a multiplier that grows does not drown the other terms of a model. The
    threshold goes down it with the network. The multiplier goes up it: its gradient is turned round, so that one
    optimizer serves all three. It is kept as a logarithm, hence positive; a step of Adam moves it by a factor of
    at most about e^(pace * learning rate).

    Takes logits [rows] and targets [rows] in {0, 1}. Returns [rows], in bits; negative where the promise is kept
    easily. Source: Eban et al., "Scalable Learning of Non-Decomposable Objectives", AISTATS 2017, equations 8-10.
    """

    def __init__(
        self,
        *,
        objective: tuple[float, float],
        constraint: tuple[float, float],
        allowed: float,
        start: float,
        pace: float,
    ) -> None:
        super().__init__()
        self.objective, self.constraint, self.allowed = objective, constraint, allowed
        self.start, self.pace = start, pace
        self.threshold = nn.Parameter(torch.zeros(()))
        self.log_multiplier = nn.Parameter(torch.zeros(()))

    def multiplier(self) -> torch.Tensor:
        """What a unit of the constraint is worth by now, in units of the objective; its gradient leads upwards."""
        return self.start * torch.exp(self.pace * ascending(self.log_multiplier, math.log(REACH) / self.pace))

    def weights(self, multiplier: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What a miss and a false alarm weigh at a multiplier."""
        miss, alarm = (of + multiplier * by for of, by in zip(self.objective, self.constraint, strict=True))
        return miss, alarm

    def forward(self, output: torch.Tensor, target: torch.Tensor | None) -> torch.Tensor:
        target = same_shape(output, target)
        missed = functional.softplus(self.threshold - output) / math.log(2)
        alarmed = functional.softplus(output - self.threshold) / math.log(2)
        # Asked once: at the end of its range only the whole of its gradient says which way it would go.
        multiplier = self.multiplier()
        miss, alarm = self.weights(multiplier)
        lagrangian = torch.where(target > 0, miss * missed - multiplier * self.allowed, alarm * alarmed)
        return lagrangian / (1 + multiplier.detach())
