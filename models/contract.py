from __future__ import annotations

from abc import abstractmethod

from pydantic import Field

from models.curve import Curve
from models.intervals import Estimate
from models.operating_point import OperatingPoint, Promise
from models.value import Member


class Contract(Member):
    """What is asked of an operating point, with the confidence at which it is to be certified.

    Members answer with an OperatingPoint, or raise Unreachable saying how near the data came and how many
    more cases would do; never a number that means "could not".
    """

    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="chance that a certified threshold really keeps the promise, at least"
    )

    @property
    @abstractmethod
    def promise(self) -> Promise:
        """What is promised, once certified."""

    @abstractmethod
    def choose(self, certification: Curve, *, guide: Curve) -> OperatingPoint:
        """The best threshold whose promise the certification cases carry.

        `guide` comes from other cases (the validation part, or an earlier certification): it may suggest where
        to look, and no guarantee rests on it.

        Raises Unreachable if no threshold can be certified.
        """

    @abstractmethod
    def measure(self, curve: Curve, threshold: float) -> Estimate:
        """The promised figure as measured on `curve`, with a Wilson or logit interval."""
