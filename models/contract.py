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

    @abstractmethod
    def region(self, curve: Curve) -> float:
        """How well a model does near this contract, from 0 to 1: the figure by which training stops.

        It is the mean over promises from as far below the asked one as that is below 1, so that it moves even
        where the contract itself is met by jumps. Nothing is certified by it.
        """


NEARBY = 100


def nearby(at_least: float) -> list[float]:
    """Promises around `at_least`, as far below it as it is below 1.

    >>> [round(promise, 3) for promise in (nearby(0.9)[0], nearby(0.9)[-1])]
    [0.8, 0.998]
    """
    low = max(2 * at_least - 1, 0.0)
    return [low + (1 - low) * step / NEARBY for step in range(NEARBY)]
