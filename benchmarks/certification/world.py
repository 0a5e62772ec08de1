"""One thing asked among people of whom all is known: how its thresholds are chosen, and what they truly do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.certification.population import Cases, Population, Rates
from models.contract import Contract, OneThreshold
from models.contracts.cost import Cost
from models.contracts.rule_in_out import RuleInOut
from models.contracts.several import Several
from models.errors import Unreachable
from models.promise import Promise

Yardstick = Literal["false-positive rate", "recall", "undecided", "cost a person"]
LESS_IS_BETTER: frozenset[Yardstick] = frozenset({"false-positive rate", "undecided", "cost a person"})


@dataclass(frozen=True)
class Point:
    """Two thresholds, one and the same where there is no zone between."""

    threshold: float
    clear_below: float


@dataclass(frozen=True)
class World:
    """What is asked, of which people, how many of them certify, and by which figure a kept promise is judged.

    `share` of the `rows` certification cases are sick on average; the model is used where
    `population.prevalence` of the people are. With `guided`, as many other cases tell where to look.
    """

    rule: str
    contract: Contract
    population: Population
    rows: int
    share: float
    yardstick: Yardstick
    guided: bool = False

    @property
    def name(self) -> str:
        """Rule, prevalence and kind of scores, e.g. `Recall 1:100, fine`."""
        return f"{self.rule} {self.odds}, {self.scores}"

    @property
    def odds(self) -> str:
        return f"1:{round(1 / self.population.prevalence)}"

    @property
    def scores(self) -> str:
        return "tied" if self.population.tied else "fine"

    def draw(self, random: np.random.Generator) -> Cases:
        """Fresh cases."""
        return self.population.draw(random, self.rows, self.share)

    def certified(self, cases: Cases, guide: Cases | None) -> Point | None:
        """What the contract chooses; None if it is refused."""
        try:
            point = self.contract.choose(cases.curve, guide=None if guide is None else guide.curve, groups=cases.groups)
        except Unreachable:
            return None
        return Point(point.threshold, point.clear_below)

    def naive(self, cases: Cases) -> Point | None:
        """What is commonly done: the best threshold whose figure, as measured on the same cases, is as asked."""
        return best(self.contract, cases.curve.thresholds, cases.rates)

    def ideal(self) -> Point | None:
        """The best threshold of one who knows the truth."""
        return best(self.contract, self.population.probabilities.tolist(), self.population.truth(self.share))

    def figures(self, point: Point) -> tuple[float, ...]:
        """The true figure of each promise."""
        flagged, cleared = self._rates(point)
        about_cleared = self.contract.parts[1].promises if isinstance(self.contract, RuleInOut) else ()
        return tuple(
            float((cleared if promise in about_cleared else flagged).figure(promise)[0])
            for promise in self.contract.promises
        )

    def worth(self, point: Point) -> float:
        """The true yardstick."""
        flagged, cleared = self._rates(point)
        match self.yardstick:
            case "false-positive rate":
                return float(flagged.alarmed[0])
            case "recall":
                return float(flagged.recall[0])
            case "cost a person":
                return float(flagged.figure(self.contract.promises[0])[0])
            case "undecided":
                sick = self.population.prevalence
                between = sick * (cleared.recall - flagged.recall) + (1 - sick) * (cleared.alarmed - flagged.alarmed)
                return float(between[0])

    def _rates(self, point: Point) -> tuple[Rates, Rates]:
        """What is truly flagged at the threshold, and at and above the lower one."""
        truth = self.population.truth(self.share)
        return tuple(truth.at(self.population.place(at)) for at in (point.threshold, point.clear_below))


def best(contract: Contract, thresholds: Sequence[float], rates: Rates) -> Point | None:
    """The best of `thresholds` whose rates are as asked; None if none is.

    The rates, measured or true, are those of each threshold and, last, of one beyond all.
    """
    if isinstance(contract, RuleInOut):
        upper, lower = (best(part, thresholds, rates) for part in (contract.rule_in, contract.rule_out))
        return upper and lower and Point(upper.threshold, min(lower.threshold, upper.threshold))
    kept = np.all([_met(promise, rates) for promise in contract.promises], axis=0)
    if isinstance(contract, Cost):
        # The prices alone say where; the rates only whether it is cheap enough.
        threshold = contract.costs.threshold
        place = int(np.searchsorted(np.asarray(thresholds, np.float32), np.float32(threshold)))
        return Point(threshold, threshold) if kept[place] else None
    places = np.flatnonzero(kept[:-1])
    if not len(places):
        return None
    threshold = thresholds[int(places[0 if _end(contract) == "low" else -1])]
    return Point(threshold, threshold)


def _met(promise: Promise, rates: Rates) -> NDArray[np.bool_]:
    figures = rates.figure(promise)
    return np.asarray(figures >= promise.bound if promise.at_most is None else figures <= promise.bound)


def _end(contract: Contract) -> Literal["low", "high"]:
    if isinstance(contract, Several):
        return "high" if contract.then == "the fewest alarms" else "low"
    assert isinstance(contract, OneThreshold)
    return contract.best
