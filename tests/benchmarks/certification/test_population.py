from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from benchmarks.certification.population import Group, Population, Rates
from models.costs import Costs
from models.promise import Promise

EVERYBODY = Population(0.1, (Group("everybody", 1.0, 0.0, 2.5),), floor=-1.5, step=0.1)
GROUPS = Population(0.2, (Group("a=1", 0.7, 0.0, 2.0), Group("a=2", 0.3, -0.5, 1.0)), floor=-4.0, step=0.01)


def test_the_truth_of_a_threshold_is_what_a_million_people_drawn_one_by_one_show() -> None:
    random = np.random.default_rng(0)
    for population in (EVERYBODY, GROUPS):
        threshold = float(population.probabilities[len(population.probabilities) // 2])
        groups = random.choice(len(population.groups), 1_000_000, p=[group.share for group in population.groups])
        sick = random.random(1_000_000) < population.prevalence
        means = np.array([[group.healthy, group.sick] for group in population.groups])[groups, sick.astype(int)]
        scores = np.floor((means + random.normal(size=1_000_000)) / population.step) * population.step
        distance = population.groups[0].sick
        odds = np.exp(distance * scores - distance**2 / 2) * population.prevalence / (1 - population.prevalence)
        flagged = (odds / (1 + odds)).astype(np.float32) >= np.float32(threshold - 1e-6)
        truth = population.truth(population.prevalence).at(population.place(threshold))
        assert truth.recall[0] == pytest.approx(flagged[sick].mean(), abs=0.005)
        assert truth.alarmed[0] == pytest.approx(flagged[~sick].mean(), abs=0.002)
        for place, group in enumerate(population.groups):
            assert truth.groups[group.name][0] == pytest.approx(flagged[sick & (groups == place)].mean(), abs=0.01)


def test_the_probability_of_one_group_is_that_of_being_sick_at_its_score() -> None:
    scores = np.floor(EVERYBODY.floor / EVERYBODY.step) * EVERYBODY.step + 0.1 * np.arange(1, 20)
    sick, healthy = 0.1 * stats.norm.pdf(scores, 2.5), 0.9 * stats.norm.pdf(scores)
    assert EVERYBODY.probabilities[1:20] == pytest.approx(sick / (sick + healthy), rel=1e-5)


def test_drawn_people_are_as_many_as_asked_and_flagged_as_often_as_the_truth_says() -> None:
    random = np.random.default_rng(1)
    threshold = 0.3
    drawn = [GROUPS.draw(random, 2_000, 0.4) for _ in range(100)]
    assert {cases.curve.positive_count + cases.curve.negative_count for cases in drawn} == {2_000}
    positives = sum(cases.curve.positive_count for cases in drawn)
    assert stats.binomtest(positives, 200_000, 0.4).pvalue > 1e-4
    truth = GROUPS.truth(0.4).at(GROUPS.place(threshold))
    hits = sum(cases.curve.at(threshold).hits for cases in drawn)
    alarms = sum(cases.curve.at(threshold).alarms for cases in drawn)
    assert stats.binomtest(hits, positives, float(truth.recall[0])).pvalue > 1e-4
    assert stats.binomtest(alarms, 200_000 - positives, float(truth.alarmed[0])).pvalue > 1e-4
    for name, recall in truth.groups.items():
        counts = [cases.groups[name].at(threshold) for cases in drawn]
        found = stats.binomtest(sum(one.hits for one in counts), sum(one.positives for one in counts), float(recall[0]))
        assert found.pvalue > 1e-4


def test_measured_rates_are_those_of_scikit_learn_on_the_people_one_by_one() -> None:
    cases = GROUPS.draw(np.random.default_rng(2), 500, 0.3)
    curve = cases.curve
    scores = np.repeat(np.tile(curve.thresholds, 2), [*curve.positives, *curve.negatives])
    targets = np.repeat([1, 0], [curve.positive_count, curve.negative_count])
    place = len(curve.thresholds) // 2
    flagged = scores >= curve.thresholds[place]
    rates = cases.rates.at(place)
    assert rates.recall[0] == pytest.approx(recall_score(targets, flagged))
    assert rates.alarmed[0] == pytest.approx(1 - recall_score(1 - targets, ~flagged))
    for name, group in cases.groups.items():
        assert rates.groups[name][0] == group.at(curve.thresholds[place]).hits / group.positive_count
    promise = Promise(figure="precision", at_least=0.5, confidence=0.95, prevalence=float(targets.mean()))
    assert rates.figure(promise)[0] == pytest.approx(precision_score(targets, flagged))
    assert cases.rates.recall[-1] == cases.rates.alarmed[-1] == 0


def test_figures_are_those_of_a_table_of_a_hundred_thousand_people() -> None:
    # At 2 % prevalence 2,000 are sick, 1,500 of them flagged, and of 98,000 healthy 4,900.
    rates = Rates(np.array([0.75]), np.array([0.05]), own=0.5, groups={"a=1": np.array([0.7])})
    sick, flagged = np.arange(100_000) < 2_000, np.zeros(100_000, bool)
    flagged[:1_500] = flagged[2_000:6_900] = True
    (clears, alarms), (misses, hits) = confusion_matrix(sick, flagged)
    costs = Costs(miss=30, false_alarm=2)
    for promise, expected in (
        (Promise(figure="recall", at_least=0.5, confidence=0.9), hits / (hits + misses)),
        (Promise(figure="recall", at_least=0.5, confidence=0.9, group="a=1"), 0.7),
        (Promise(figure="specificity", at_least=0.5, confidence=0.9), clears / (clears + alarms)),
        (Promise(figure="precision", at_least=0.5, confidence=0.9, prevalence=0.02), hits / (hits + alarms)),
        (Promise(figure="npv", at_least=0.5, confidence=0.9, prevalence=0.02), clears / (clears + misses)),
        (Promise(figure="flagged", at_most=0.5, confidence=0.9, prevalence=0.02), (hits + alarms) / 100_000),
        (Promise(figure="flagged", at_most=0.5, confidence=0.9), (0.75 + 0.05) / 2),
        (
            Promise(figure="cost", at_most=0.5, confidence=0.9, prevalence=0.02, costs=costs),
            (30 * misses + 2 * alarms) / 100_000,
        ),
    ):
        assert rates.figure(promise)[0] == pytest.approx(expected), promise


def test_without_prices_a_mistake_costs_one() -> None:
    rates = Rates(np.array([0.5]), np.array([0.1]), own=0.5)
    promise = Promise(figure="cost", at_most=0.5, confidence=0.9, prevalence=0.5)
    assert rates.figure(promise)[0] == pytest.approx(0.3)


def test_a_threshold_at_or_below_the_floor_flags_everybody_and_one_beyond_all_nobody() -> None:
    truth = EVERYBODY.truth(0.1)
    everybody, nobody = truth.at(EVERYBODY.place(0.0)), truth.at(EVERYBODY.place(1.0))
    assert (everybody.recall[0], everybody.alarmed[0]) == (1.0, 1.0)
    assert nobody.recall[0] < 1e-4 > nobody.alarmed[0]


def test_scores_that_round_to_one_probability_are_one_cell() -> None:
    far = Population(0.5, (Group("everybody", 1.0, 0.0, 6.0),), floor=0.0, step=0.1)
    assert (np.diff(far.probabilities) > 0).all()
    assert far.probabilities[-1] == 1.0
    assert far.truth(0.5).recall[-1] == 0.0
