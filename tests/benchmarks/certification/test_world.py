from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from benchmarks.certification.population import Population, Rates
from benchmarks.certification.world import Point, World, best
from benchmarks.certification.worlds import worlds
from models.contract import Contract
from models.contracts.recall import Recall
from models.contracts.rule_in_out import RuleInOut
from models.contracts.several import Several
from models.contracts.specificity import Specificity
from models.value import members

FINE = {world.rule: world for world in worlds() if world.odds == "1:10" and world.scores == "fine"}


def test_every_rule_there_is_is_asked_at_three_prevalences_with_fine_and_with_tied_scores() -> None:
    asked = worlds()
    assert {type(world.contract) for world in asked} == set(members(Contract))
    assert len(asked) == 6 * len(FINE) == len({world.name for world in asked})
    assert {world.odds for world in asked} == {"1:10", "1:100", "1:1000"}


def test_the_ideal_point_of_every_world_keeps_what_is_asked_and_hardly_more() -> None:
    for world in worlds():
        ideal = world.ideal()
        if world.rule == "Cost, truly a little too dear":
            assert ideal is None
            continue
        assert ideal is not None, world.name
        for promise, figure in zip(world.contract.promises, world.figures(ideal), strict=True):
            assert promise.met_by(figure), (world.name, promise)
        if world.scores == "fine" and world.rule in {"Recall", "Specificity", "Precision", "NPV", "Capacity"}:
            assert world.figures(ideal)[0] == pytest.approx(world.contract.promises[0].bound, rel=0.01), world.name


def test_the_ideal_precision_is_where_the_normal_law_says() -> None:
    world = FINE["Precision"]

    def precision(score: float) -> float:
        sick, healthy = 0.1 * stats.norm.sf(score - 2.5), 0.9 * stats.norm.sf(score)
        return sick / (sick + healthy)

    score = optimize.brentq(lambda score: precision(score) - 0.8, 0.0, 4.0)
    ideal = world.ideal()
    assert ideal is not None
    assert world.worth(ideal) == pytest.approx(stats.norm.sf(score - 2.5), abs=0.002)


def test_the_naive_point_is_the_best_of_all_as_measured_one_by_one() -> None:
    random = np.random.default_rng(3)
    for rule, high in (
        ("Recall", True),
        ("NPV", True),
        ("Specificity", False),
        ("Precision", False),
        ("Several", True),
    ):
        world = replace(FINE[rule], rows=500)
        cases = world.draw(random)
        kept = [
            threshold
            for threshold in cases.curve.thresholds
            if all(promise.met_by(promise.measured(cases.curve.at(threshold))) for promise in world.contract.promises)
        ]
        found = world.naive(cases)
        assert found == (Point(*[max(kept) if high else min(kept)] * 2) if kept else None), rule


def test_a_price_sets_the_threshold_and_the_cases_only_whether_it_is_taken() -> None:
    cases = FINE["Cost, truly cheap enough"].draw(np.random.default_rng(4))
    contract = FINE["Cost, truly cheap enough"].contract
    assert best(contract, cases.curve.thresholds, cases.rates) == Point(1 / 21, 1 / 21)
    dear = contract.model_copy(update={"at_most": 1e-6})
    assert best(dear, cases.curve.thresholds, cases.rates) is None


def test_two_thresholds_that_cross_are_one() -> None:
    rates = Rates(np.array([1.0, 0.9, 0.5, 0.0]), np.array([1.0, 0.2, 0.1, 0.0]), own=0.5)
    contract = RuleInOut(rule_in=Specificity(at_least=0.7), rule_out=Recall(at_least=0.4))
    assert best(contract, [0.1, 0.2, 0.3], rates) == Point(0.2, 0.2)
    zone = RuleInOut(rule_in=Specificity(at_least=0.9), rule_out=Recall(at_least=0.9))
    assert best(zone, [0.1, 0.2, 0.3], rates) == Point(0.3, 0.2)
    never = RuleInOut(rule_in=Specificity(at_least=0.7), rule_out=Recall(at_least=0.4))
    assert best(never, [0.1], Rates(np.array([1.0, 0.0]), np.array([1.0, 0.0]), own=0.5)) is None


def test_several_take_the_end_they_ask_for() -> None:
    rates = Rates(np.array([1.0, 0.9, 0.8, 0.0]), np.array([1.0, 0.2, 0.1, 0.0]), own=0.5)
    parts = (Recall(at_least=0.75), Specificity(at_least=0.7))
    for then, threshold in (("the fewest alarms", 0.3), ("the most hits", 0.2)):
        contract = Several.model_validate({"contracts": parts, "then": then})
        assert best(contract, [0.1, 0.2, 0.3], rates) == Point(threshold, threshold)


def test_a_zone_is_judged_by_the_people_in_it_and_its_promises_each_on_their_side() -> None:
    world = FINE["RuleInOut"]
    upper, lower = 0.6, 0.05
    truth = world.population.truth(0.1)
    flagged, cleared = (truth.at(world.population.place(at)) for at in (upper, lower))
    precision, recall = world.figures(Point(upper, lower))
    share = 0.1 * flagged.recall[0] + 0.9 * flagged.alarmed[0]
    assert precision == pytest.approx(0.1 * flagged.recall[0] / share)
    assert recall == cleared.recall[0] > flagged.recall[0]
    assert world.worth(Point(upper, lower)) == pytest.approx(0.1 * cleared.recall[0] + 0.9 * cleared.alarmed[0] - share)


def test_what_cannot_be_certified_is_no_point() -> None:
    world = replace(FINE["Recall"], rows=100)
    cases = world.draw(np.random.default_rng(5))
    assert world.certified(cases, cases) is None
    enough = FINE["Recall"].draw(np.random.default_rng(5))
    point = FINE["Recall"].certified(enough, enough)
    assert point is not None
    assert point.threshold == point.clear_below


def test_a_world_is_told_by_its_rule_its_prevalence_and_its_scores() -> None:
    population = Population(0.01, FINE["Recall"].population.groups, -1.5, 0.1, tied=True)
    world = World("Recall", Recall(at_least=0.9), population, 100, 0.1, "recall")
    assert world.name == "Recall 1:100, tied"
