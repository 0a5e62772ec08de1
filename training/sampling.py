"""How often each kind of case is shown in training, and what that does to a logit."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from pydantic import Field

from models.value import Member


class Sampling(Member):
    """A rate at which positives are drawn, relative to negatives.

    An epoch always shows as many cases as the training part holds; only their mix changes.
    """

    @abstractmethod
    def rate(self, targets: torch.Tensor) -> float:
        """How many times as often a positive is drawn as a negative, for targets [rows] in {0, 1}."""

    def log_ratio(self, targets: torch.Tensor) -> float:
        """What drawing so adds to every logit: ln(r+/r-). Source: King & Zeng, Political Analysis 2001."""
        return math.log(self.rate(targets))

    def more(self, inputs: torch.Tensor, targets: torch.Tensor, seed: int) -> torch.Tensor:
        """Further positives to add to the training part, encoded columns [more, width]: none, by default.

        `inputs` are the encoded columns [rows, width] of the training part, `targets` [rows] in {0, 1}.
        """
        del targets, seed
        return inputs[:0]

    def draw(self, targets: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """The rows of one epoch, int64 [rows], for targets [rows] in {0, 1}."""
        positives, negatives = torch.nonzero(targets == 1).flatten(), torch.nonzero(targets == 0).flatten()
        wanted = self.rate(targets) * len(positives)
        sick = torch.rand(len(targets), generator=generator) < wanted / (wanted + len(negatives))
        rows = torch.empty(len(targets), dtype=torch.int64)
        for chosen, pool in ((sick, positives), (~sick, negatives)):
            count = int(chosen.sum())
            if count:
                rows[chosen] = pool[torch.randint(len(pool), (count,), generator=generator)]
        return rows


class Plain(Sampling):
    """Every case once an epoch, in a new order."""

    def rate(self, targets: torch.Tensor) -> float:
        del targets
        return 1.0

    def draw(self, targets: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.randperm(len(targets), generator=generator)


class Oversampled(Sampling):
    """Positives are drawn `times` as often as negatives."""

    times: float = Field(gt=0)

    def rate(self, targets: torch.Tensor) -> float:
        del targets
        return self.times


class Balanced(Sampling):
    """As many positives are drawn as negatives, whatever their share."""

    def rate(self, targets: torch.Tensor) -> float:
        positives = int((targets == 1).sum())
        return (len(targets) - positives) / positives
