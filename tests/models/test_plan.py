from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Counts
from models.plan import Expected, fewest, order_statistic_needs, problems, smallest
from tests.cases import precision_by_scipy


@pytest.mark.parametrize(("at_least", "confidence"), [(0.95, 0.95), (0.9, 0.99), (0.5, 0.75), (0.2, 0.6)])
def test_needs_are_the_fewest_cases_for_each_number_of_mistakes_by_a_slow_loop(
    at_least: float, confidence: float
) -> None:
    found = order_statistic_needs(at_least, confidence)
    cases = np.arange(1, 2000)
    for mistakes in range(11):
        enough = stats.binom.cdf(mistakes, cases, 1 - at_least) <= 1 - confidence + 1e-15
        assert found[mistakes] == (max(int(cases[enough][0]), mistakes + 1), mistakes)


@pytest.mark.parametrize("enough_from", [1, 2, 3, 7, 8, 9, 1000])
def test_the_smallest_number_that_is_enough_is_found(enough_from: int) -> None:
    assert smallest(lambda number: number >= enough_from) == enough_from


def test_no_number_is_none() -> None:
    assert smallest(lambda _: False, most=100) is None
    assert smallest(lambda number: number > 64, most=64) is None


def test_planned_cases_carry_the_promise_as_often_as_was_asked() -> None:
    """Drawn studies of a model as expected, each with scipy's bounds."""
    contract = Precision(at_least=0.5, prevalence=0.1)
    (need,) = contract.plan(Expected(recall=0.7, specificity=0.95, share=0.4, assurance=0.8))
    random = np.random.default_rng(1)
    hits = random.binomial(need.positives, 0.7, 600)
    alarms = random.binomial(need.negatives, 0.05, 600)
    carried = []
    for caught, alarmed in zip(hits.tolist(), alarms.tolist(), strict=True):
        missed, clear = need.positives - caught, need.negatives - alarmed
        counts = Counts(hits=caught, misses=missed, alarms=alarmed, clears=clear)
        carried.append(precision_by_scipy(counts, 0.95, 0.1) >= 0.5)
    assert np.mean(carried) >= 0.8 - 3 * math.sqrt(0.16 / 600)
    assert need.negatives == math.ceil(need.positives * 0.6 / 0.4)
    assert need.note == "if the model has recall 0.7 and specificity 0.95 there, with a chance of 0.8 at least"


def test_a_better_model_needs_fewer_cases_and_none_is_too_bad_for_any_number() -> None:
    contract = Precision(at_least=0.5, prevalence=0.1)
    needs = [contract.plan(Expected(recall=0.7, specificity=each))[0].negatives for each in (0.94, 0.96, 0.99, 1.0)]
    assert needs == sorted(needs, reverse=True)
    assert contract.plan(Expected(recall=0.5, specificity=0.9)) == ()


def test_nothing_expected_is_a_model_without_mistakes() -> None:
    (promise,) = Precision(at_least=0.5, prevalence=0.1).promises
    need = fewest(promise, Expected(), 0.5)
    assert need is not None
    assert need.note.startswith("if the model has recall 1 and specificity 1 there")
    # By hand: all n sick flagged and nobody else, so that the share of sick among them is at least 0.05 ** (1 / n).
    share = 0.05 ** (1 / need.positives)
    assert 0.1 * share / (0.1 * share + 0.9 * (1 - share)) >= 0.5
    fewer = 0.05 ** (1 / (need.positives - 1))
    assert 0.1 * fewer / (0.1 * fewer + 0.9 * (1 - fewer)) < 0.5


def test_what_may_be_wrong_is_what_the_cases_still_carry_and_no_more() -> None:
    (promise,) = Precision(at_least=0.5, prevalence=0.1).promises
    need = fewest(promise, Expected(recall=0.7, specificity=0.97), 0.4)
    assert need is not None
    misses, alarms = need.allowed_misses, need.allowed_alarms
    assert misses is not None
    assert alarms is not None

    def carried(missed: int, alarmed: int) -> float:
        hits, clears = need.positives - missed, need.negatives - alarmed
        return precision_by_scipy(Counts(hits=hits, misses=missed, alarms=alarmed, clears=clears), 0.95, 0.1)

    # Each as reckoned while the other is spent: the reckoned are not exceeded with a chance of the root of 0.8.
    reckoned_misses = int(stats.binom.ppf(math.sqrt(0.8), need.positives, 0.3))
    reckoned_alarms = int(stats.binom.ppf(math.sqrt(0.8), need.negatives, 0.03))
    assert carried(misses, reckoned_alarms) >= 0.5 > carried(misses + 1, reckoned_alarms)
    assert carried(reckoned_misses, alarms) >= 0.5 > carried(reckoned_misses, alarms + 1)


def test_the_note_of_recall_tells_what_is_to_be_expected() -> None:
    need = Recall(at_least=0.95).plan(Expected())[1]
    assert (need.positives, need.allowed_misses) == (93, 1)
    assert need.note == "recall is then expected to be 0.9787"


def test_expectations_that_can_not_be_are_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Expected.model_validate({"recall": 1.5, "assurance": 1.0})
    assert [str(problem) for problem in problems(caught.value)] == [
        "recall: should be less than or equal to 1, got 1.5.",
        "assurance: should be less than 1, got 1.0.",
    ]
