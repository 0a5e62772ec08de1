from __future__ import annotations

from abc import abstractmethod

from torch import nn

from models.value import Member


class Weighing(Member):
    """How the terms of a model share its pull, beyond the weights that are written at them."""

    @abstractmethod
    def build(self, terms: int) -> nn.Module | None:
        """What gives, each time it is called, a weight for each term on rows, [terms], and a price for them, [].

        What is gone down is the sum of the weighed values plus the price. None: every weight stays 1.
        """
