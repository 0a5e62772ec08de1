from __future__ import annotations

import math

from pydantic import Field

from models.value import Value


class Costs(Value):
    """Price of each mistake of one head, in any one unit per row. A right answer is free.

    >>> Costs(miss=999.0).threshold
    0.001
    """

    miss: float = Field(1.0, gt=0, description="price of answering negative for a positive")
    false_alarm: float = Field(1.0, gt=0, description="price of answering positive for a negative")

    @property
    def threshold(self) -> float:
        """The calibrated probability at and above which an alarm is the cheaper answer.

        Source: Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001, equation 2.
        """
        return self.false_alarm / (self.false_alarm + self.miss)

    @property
    def log_ratio(self) -> float:
        """What training with these prices adds to every logit: ln(miss / false alarm)."""
        return math.log(self.miss) - math.log(self.false_alarm)
