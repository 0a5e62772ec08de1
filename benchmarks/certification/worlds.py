"""All that is asked: every rule at three prevalences, of scores of their own and of tied scores."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.certification.population import Group, Population
from benchmarks.certification.world import World
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

FINE, TIED = 1 / 200, 1 / 10
SICK, SICK_IN_GROUPS = 300, 600
GROUPS = ("group=first", "group=second", "group=third")


@dataclass(frozen=True)
class Setting:
    """A prevalence, how far the sick score above the healthy there, and what is asked there."""

    prevalence: float
    distance: float
    specificity: float
    precision: float
    npv: float
    miss: float
    capacity: float
    enriched: float
    together: float


SETTINGS = (
    Setting(0.1, 2.5, specificity=0.95, precision=0.8, npv=0.99, miss=20, capacity=0.15, enriched=0.3, together=0.8),
    Setting(0.01, 3.5, specificity=0.99, precision=0.6, npv=0.999, miss=200, capacity=0.02, enriched=0.1, together=0.96),
    Setting(
        0.001, 4.0, specificity=0.998, precision=0.5, npv=0.9999, miss=2_000, capacity=0.004, enriched=0.01,
        together=0.98,
    ),
)  # fmt: skip


def worlds() -> list[World]:
    """Rule by rule."""
    asked = [world for setting in SETTINGS for step in (FINE, TIED) for world in _asked(setting, step)]
    return [world for rule in dict.fromkeys(world.rule for world in asked) for world in asked if world.rule == rule]


def _asked(setting: Setting, step: float) -> list[World]:
    """Every rule in one setting."""
    at = setting.prevalence
    people = (Group("everybody", 1.0, 0.0, setting.distance),)
    # No certified threshold lies below the first, and hardly one below the second.
    low, high = (Population(at, people, setting.distance - below, step, step == TIED) for below in (4.0, 2.5))
    rows = round(SICK / at)
    recall, precision = Recall(at_least=0.95), Precision(at_least=setting.precision, prevalence=at)
    together = Several(contracts=(Recall(at_least=0.9), Specificity(at_least=setting.together)))
    elsewhere = Capacity(at_most=setting.capacity, prevalence=at)
    return [
        World("Recall", recall, low, rows, at, "false-positive rate"),
        World("Specificity", Specificity(at_least=setting.specificity), high, rows, at, "recall"),
        World("Precision", precision, high, rows, at, "recall"),
        World("Precision, with a guide", precision, high, rows, at, "recall", guided=True),
        World("NPV", NPV(at_least=setting.npv, prevalence=at), low, rows, at, "false-positive rate"),
        _priced("Cost, truly a little too dear", 0.999, setting, low),
        _priced("Cost, truly cheap enough", 1.3, setting, low),
        World("Capacity", Capacity(at_most=setting.capacity), high, rows, at, "recall"),
        World(
            "Capacity at another prevalence",
            elsewhere,
            high,
            round(SICK / setting.enriched),
            setting.enriched,
            "recall",
        ),
        World("RuleInOut", RuleInOut(rule_in=precision, rule_out=recall), low, rows, at, "undecided"),
        World("Several", together, low, rows, at, "false-positive rate"),
        _in_groups("RecallInEveryGroup, groups differ", (0.0, 0.3, 1.0), setting, step),
        _in_groups("RecallInEveryGroup, groups alike", (0.0, 0.0, 0.0), setting, step),
    ]


def _priced(rule: str, times: float, setting: Setting, population: Population) -> World:
    """At most so many times of what the mistakes truly cost is allowed."""
    at, costs = setting.prevalence, Costs(miss=setting.miss)
    (promise,) = Cost(costs=costs, prevalence=at).promises
    price = float(population.truth(at).figure(promise)[population.place(costs.threshold)])
    contract = Cost(costs=costs, prevalence=at, at_most=times * price)
    return World(rule, contract, population, round(SICK / at), at, "cost a person")


def _in_groups(rule: str, lower: tuple[float, ...], setting: Setting, step: float) -> World:
    """Three groups of falling size; the sick of each score so much `lower`, its healthy by a third of that."""
    at = setting.prevalence
    groups = tuple(
        Group(name, share, -by / 3, setting.distance - by)
        for name, share, by in zip(GROUPS, (0.5, 0.3, 0.2), lower, strict=True)
    )
    population = Population(at, groups, setting.distance - max(lower) - 4.0, step, step == TIED)
    contract = RecallInEveryGroup(at_least=0.95, groups=GROUPS)
    return World(rule, contract, population, round(SICK_IN_GROUPS / at), at, "false-positive rate")
