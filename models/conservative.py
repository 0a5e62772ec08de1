"""A contract asked again where the prevalence is another, or known only within limits."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import TypeVar

from models.contract import Contract, OneThreshold
from models.contracts.capacity import Capacity
from models.contracts.cost import Cost
from models.contracts.npv import NPV
from models.contracts.precision import Precision
from models.contracts.rule_in_out import RuleInOut
from models.contracts.several import Several
from models.likelihood_ratio import NotIdentified
from models.operating_point import OperatingPoint

DIGITS = 4
AnyContract = TypeVar("AnyContract", bound=Contract)


def conservative(contract: Contract, low: float, high: float) -> tuple[Contract, ...]:
    """The contract at the end of the range from `low` to `high` at which it asks most; all of several have to hold.

    Precision is lowest where fewest are sick. NPV is lowest, and most people are flagged, where most are; a
    capacity that names no prevalence speaks of people like the certification cases, so it is given one. What
    mistakes cost is a line in the prevalence, so it is highest at one of the ends: it is asked at both. Recall and
    specificity do not depend on it. The ends are rounded outwards to four digits.

    Raises NotIdentified if an end that is needed is 0 or 1.

    >>> [str(one) for one in conservative(Precision(at_least=0.8, prevalence=0.1), 0.04567, 0.06)]
    ['precision >= 0.8 at prevalence 0.04567 with confidence 0.95']
    """
    ends = rounded(low, ROUND_FLOOR), rounded(high, ROUND_CEILING)
    asked = [_moved(contract, *ends, costed_at=end, name_all=True) for end in ends]
    return tuple(dict.fromkeys(asked))


def at_prevalence(contract: Contract, prevalence: float) -> Contract:
    """The contract with every prevalence that it names replaced.

    >>> print(at_prevalence(Precision(at_least=0.8, prevalence=0.1), 0.05))
    precision >= 0.8 at prevalence 0.05 with confidence 0.95
    """
    return _moved(contract, prevalence, prevalence, costed_at=prevalence, name_all=False)


def least_to_spare(points: list[OperatingPoint]) -> int:
    """Which of some points is the dearest, as a share of what it promised its mistakes to cost.

    The first where none promises that.
    """
    spent = [
        max((each.certified / each.promise.bound for each in point.certificates if each.promise.costs), default=0.0)
        for point in points
    ]
    return spent.index(max(spent))


def rounded(share: float, way: str) -> float:
    """A share with four digits, rounded one way.

    >>> rounded(0.0123456, ROUND_FLOOR), rounded(0.0123456, ROUND_CEILING), rounded(0.03, ROUND_FLOOR)
    (0.01234, 0.01235, 0.03)
    """
    return float(Context(prec=DIGITS, rounding=way).create_decimal(Decimal(repr(share))))


def _moved(contract: AnyContract, low: float, high: float, *, costed_at: float, name_all: bool) -> AnyContract:
    def inside(part: OneThreshold) -> OneThreshold:
        return _moved(part, low, high, costed_at=costed_at, name_all=name_all)

    update: dict[str, object] = {}
    match contract:
        case Precision():
            update["prevalence"] = _share(contract, low)
        case NPV():
            update["prevalence"] = _share(contract, high)
        case Capacity() if name_all or contract.prevalence is not None:
            update["prevalence"] = _share(contract, high)
        case Cost():
            update["prevalence"] = _share(contract, costed_at)
        case Several():
            update["contracts"] = tuple(inside(part) for part in contract.contracts)
        case RuleInOut():
            update["rule_in"], update["rule_out"] = inside(contract.rule_in), inside(contract.rule_out)
    return contract.model_copy(update=update)


def _share(contract: Contract, share: float) -> float:
    if not 0 < share < 1:
        raise NotIdentified(
            f"prevalence: should be known to lie above 0 and below 1 for {contract.words},"
            f" got an interval that reaches {share:g}."
        )
    return share
