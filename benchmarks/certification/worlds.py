"""What is asked, among which people: every rule at three prevalences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.certification.population import Cases, Group, Population, Rates
from models.contract import Contract, OneThreshold
from models.contracts.capacity import Capacity
from models.contracts.cost import Cost
from models.contracts.every_group import RecallInEveryGroup
from models.contracts.npv import NPV
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.contracts.rule_in_out import RuleInOut
from models.contracts.several import Several
from models.contracts.specificity import Specificity
from models.costs import Costs
from models.errors import Unreachable
from models.promise import Promise

FINE, TIED = 0.002, 0.1
Yardstick = Literal["false-positive rate", "recall", "undecided", "cost per person"]
LESS_IS_BETTER: frozenset[Yardstick] = frozenset({"false-positive rate", "undecided", "cost per person"})


@dataclass(frozen=True)
class Point:
    """Two thresholds, one and the same where there is no zone between."""

    threshold: float
    clear_below: float


@dataclass(frozen=True)
class World:
    """What is asked, of which people, how many of them certify, and what a kept promise is to cost little of.

    `share` of the `rows` certification cases are sick on average; at `population.prevalence` the model is used.
    """

    rule: str
    contract: Contract
    population: Population
    rows: int
    share: float
    yardstick: Yardstick

    @property
    def name(self) -> str:
        """Rule, prevalence and kind of scores, e.g. `Recall 1:100, fine`."""
        return f"{self.rule} {self.odds}, {'tied' if self.tied else 'fine'}"

    @property
    def odds(self) -> str:
        return f"1:{round(1 / self.population.prevalence)}"

    @property
    def tied(self) -> bool:
        return self.population.step == TIED

    def draw(self, random: np.random.Generator) -> Cases:
        """Fresh cases."""
        return self.population.draw(random, self.rows, self.share)

    def certified(self, cases: Cases, guide: Cases) -> Point | None:
        """What the contract chooses; None if it is refused."""
        try:
            point = self.contract.choose(cases.curve, guide=guide.curve, groups=cases.groups)
        except Unreachable:
            return None
        return Point(point.threshold, point.clear_below)

    def naive(self, cases: Cases) -> Point | None:
        """What is commonly done: the best threshold whose figure, as measured on the cases, is as asked."""
        return best(self.contract, cases.curve.thresholds, cases.rates)

    def ideal(self) -> Point | None:
        """The best threshold of one who knows the truth."""
        return best(self.contract, self.population.probabilities.tolist(), self.population.truth(self.share))

    def figures(self, point: Point) -> tuple[float, ...]:
        """The true figure of each promise."""
        flagged, cleared = self._rates(point)
        return tuple(
            float((cleared if isinstance(self.contract, RuleInOut) and promise in rule_out else flagged).figure(promise)[0])
            for rule_out in [self.contract.parts[1].promises if isinstance(self.contract, RuleInOut) else ()]
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
            case "cost per person":
                return float(flagged.figure(self.contract.promises[0])[0])
            case "undecided":
                sick = self.population.prevalence
                return float(
                    sick * (cleared.recall - flagged.recall)[0] + (1 - sick) * (cleared.alarmed - flagged.alarmed)[0]
                )

    def _rates(self, point: Point) -> tuple[Rates, Rates]:
        truth = self.population.truth(self.share)
        flagged, cleared = (truth.at(self.population.place(at)) for at in (point.threshold, point.clear_below))
        return flagged, cleared


def best(contract: Contract, thresholds: Sequence[float], rates: Rates) -> Point | None:
    """The best of `thresholds` whose rates [thresholds + 1] are as asked, the last of them beyond all; None if none is."""
    if isinstance(contract, RuleInOut):
        upper, lower = (best(part, thresholds, rates) for part in (contract.rule_in, contract.rule_out))
        return upper and lower and Point(upper.threshold, min(lower.threshold, upper.threshold))
    kept = np.all([_met(promise, rates) for promise in contract.promises], axis=0)
    if isinstance(contract, Cost):
        place = int(np.searchsorted(np.asarray(thresholds, np.float32), np.float32(contract.costs.threshold)))
        return Point(contract.costs.threshold, contract.costs.threshold) if kept[place] else None
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


@dataclass(frozen=True)
class Setting:
    """A prevalence, how well the model separates there, and what is asked there."""

    prevalence: float
    distance: float
    specificity: float
    precision: float
    npv: float
    miss: float
    capacity: float
    enriched: float
    together: float

    @property
    def sick_and_healthy(self) -> tuple[Group, ...]:
        return (Group("everybody", 1.0, 0.0, self.distance),)


SETTINGS = (
    Setting(0.1, 2.5, specificity=0.95, precision=0.8, npv=0.99, miss=20, capacity=0.15, enriched=0.3, together=0.8),
    Setting(0.01, 3.5, specificity=0.99, precision=0.6, npv=0.999, miss=200, capacity=0.02, enriched=0.1, together=0.96),
    Setting(0.001, 4.0, specificity=0.998, precision=0.5, npv=0.9999, miss=2_000, capacity=0.004, enriched=0.01, together=0.98),
)  # fmt: skip
SICK, SICK_IN_GROUPS = 300, 600
GROUPS = ("group=first", "group=second", "group=third")


def worlds() -> list[World]:
    """Every rule, each at three prevalences, each with fine and with tied scores."""
    asked = [world for setting in SETTINGS for world in _worlds(setting)]
    rules = dict.fromkeys(world.rule for world in asked)
    return [
        world
        for rule in rules
        for fine in (one for one in asked if one.rule == rule)
        for world in (fine, _rounded(fine))
    ]


def _worlds(setting: Setting) -> list[World]:
    at, people = setting.prevalence, setting.sick_and_healthy
    # Above the first hardly any sick person is missed, above the second every twentieth.
    low, high = (Population(at, people, setting.distance - below, FINE) for below in (3.1, 2.0))
    rows = round(SICK / at)
    recall, precision = Recall(at_least=0.95), Precision(at_least=setting.precision, prevalence=at)
    costs = Costs(miss=setting.miss)
    return [
        World("Recall", recall, low, rows, at, "false-positive rate"),
        World("Specificity", Specificity(at_least=setting.specificity), high, rows, at, "recall"),
        World("Precision", precision, high, rows, at, "recall"),
        World("NPV", NPV(at_least=setting.npv, prevalence=at), low, rows, at, "false-positive rate"),
        *(
            World(rule, Cost(costs=costs, prevalence=at, at_most=times * _price(low, costs)), low, rows, at, "cost per person")
            for rule, times in (("Cost, just not kept", 0.999), ("Cost, kept", 1.3))
        ),
        World("Capacity", Capacity(at_most=setting.capacity), high, rows, at, "recall"),
        World(
            "Capacity at a prevalence", Capacity(at_most=setting.capacity, prevalence=at), high,
            round(SICK / setting.enriched), setting.enriched, "recall",
        ),
        World("RuleInOut", RuleInOut(rule_in=precision, rule_out=recall), low, rows, at, "undecided"),
        World(
            "Several", Several(contracts=(Recall(at_least=0.9), Specificity(at_least=setting.together))), low,
            rows, at, "false-positive rate",
        ),
        *(_in_groups(setting, rule, lower) for rule, lower in (
            ("RecallInEveryGroup, groups differ", (0.0, 0.3, 1.0)), ("RecallInEveryGroup, groups alike", (0.0, 0.0, 0.0)),
        )),
    ]  # fmt: skip


def _price(population: Population, costs: Costs) -> float:
    """What the mistakes truly cost a person at the threshold that the prices ask for."""
    at = population.prevalence
    promise = Cost(costs=costs, prevalence=at).promises[0]
    return float(population.truth(at).figure(promise)[population.place(costs.threshold)])


def _in_groups(setting: Setting, rule: str, lower: tuple[float, ...]) -> World:
    """Three groups of falling size; the sick of each score so much `lower`, its healthy a third of that."""
    groups = tuple(
        Group(name, share, -by / 3, setting.distance - by)
        for name, share, by in zip(GROUPS, (0.5, 0.3, 0.2), lower, strict=True)
    )
    population = Population(setting.prevalence, groups, setting.distance - max(lower) - 3.1, FINE)
    return World(
        rule, RecallInEveryGroup(at_least=0.95, groups=GROUPS), population,
        round(SICK_IN_GROUPS / setting.prevalence), setting.prevalence, "false-positive rate",
    )  # fmt: skip


def _rounded(world: World) -> World:
    """The same with scores rounded to tenths; a promise that is made to measure is made for these."""
    population = replace(world.population, step=TIED)
    contract = world.contract
    if isinstance(contract, Cost):
        times = {"Cost, just not kept": 0.999, "Cost, kept": 1.3}[world.rule]
        contract = contract.model_copy(update={"at_most": times * _price(population, contract.costs)})
    return replace(world, contract=contract, population=population)
