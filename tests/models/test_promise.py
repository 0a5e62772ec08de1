from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.costs import Costs
from models.curve import Counts
from models.promise import NAMES, Promise
from tests.cases import least, most, npv_by_scipy, precision_by_scipy

COUNTS = Counts(hits=45, misses=5, alarms=30, clears=120)
COST = {"figure": "cost", "at_most": 0.9, "costs": Costs(miss=10.0, false_alarm=2.0)}


def promise(figure: str, **fields: Any) -> Promise:
    bound = {"at_most": 0.9} if figure in {"flagged", "cost"} else {"at_least": 0.5}
    return Promise.model_validate({"figure": figure, "confidence": 0.9, **bound, **fields})


def test_each_figure_is_measured_as_it_is_defined() -> None:
    """By hand, for 1,000 people of whom 100 are sick: 90 of them and 180 of the healthy are flagged."""
    assert promise("recall").measured(COUNTS) == 0.9
    assert promise("specificity").measured(COUNTS) == 0.8
    assert promise("flagged").measured(COUNTS) == 75 / 200
    at = {"prevalence": 0.1}
    assert promise("flagged", **at).measured(COUNTS) == pytest.approx(270 / 1000)
    assert promise("precision", **at).measured(COUNTS) == pytest.approx(90 / 270)
    assert promise("npv", **at).measured(COUNTS) == pytest.approx(720 / 730)
    assert promise("cost", **at, costs=Costs(miss=10.0, false_alarm=2.0)).measured(COUNTS) == pytest.approx(
        (10 * 10 + 180 * 2) / 1000
    )
    assert promise("cost", **at).measured(COUNTS) == pytest.approx((10 + 180) / 1000)


def test_each_figure_is_carried_as_its_worst_case_within_scipy_s_bounds() -> None:
    one, half, at = 0.9, 0.95, {"prevalence": 0.1}
    assert promise("recall").carried(COUNTS) == pytest.approx(least(45, 50, one))
    assert promise("specificity").carried(COUNTS) == pytest.approx(least(120, 150, one))
    assert promise("flagged").carried(COUNTS) == pytest.approx(most(75, 200, one))
    caught, alarmed = least(45, 50, half), most(30, 150, half)
    missed = 0.1 * (1 - caught)
    assert promise("precision", **at).carried(COUNTS) == pytest.approx(precision_by_scipy(COUNTS, one, 0.1))
    assert promise("npv", **at).carried(COUNTS) == pytest.approx(npv_by_scipy(COUNTS, one, 0.1))
    assert promise("flagged", **at).carried(COUNTS) == pytest.approx(0.1 * most(45, 50, half) + 0.9 * alarmed)
    prices = Costs(miss=10.0, false_alarm=2.0)
    assert promise("cost", **at, costs=prices).carried(COUNTS) == pytest.approx(10 * missed + 2 * 0.9 * alarmed)


@given(
    st.sampled_from(sorted(NAMES)),
    st.tuples(*[st.integers(0, 40)] * 4),
    st.sampled_from([0.01, 0.3, 0.9]),
)
def test_what_is_carried_is_never_better_than_what_was_measured(
    figure: str, drawn: tuple[int, int, int, int], prevalence: float
) -> None:
    counts = Counts(hits=drawn[0], misses=drawn[1], alarms=drawn[2], clears=drawn[3])
    each = promise(figure, prevalence=prevalence)
    measured = each.measured(counts)
    if measured is None:
        return
    carried = each.carried(counts)
    assert carried >= measured - 1e-12 if each.at_least is None else carried <= measured + 1e-12


@pytest.mark.parametrize("figure", sorted(NAMES))
def test_without_cases_nothing_is_measured_and_nothing_is_met(figure: str) -> None:
    each = promise(figure, prevalence=0.1)
    found = each.measured(Counts(hits=0, misses=0, alarms=0, clears=0))
    assert found is None
    assert not each.met_by(found)


def test_of_nobody_flagged_or_nobody_cleared_there_is_no_share() -> None:
    none, everybody = Counts(hits=0, misses=5, alarms=0, clears=5), Counts(hits=5, misses=0, alarms=5, clears=0)
    assert promise("precision", prevalence=0.1).measured(none) is None
    assert promise("npv", prevalence=0.1).measured(everybody) is None
    assert promise("npv", prevalence=0.1).carried(everybody) == 0


@pytest.mark.parametrize(("figure", "met"), [("recall", [False, True, True]), ("flagged", [True, True, False])])
def test_a_promise_is_met_by_its_bound_and_what_is_better(figure: str, met: list[bool]) -> None:
    each = promise(figure)
    assert [each.met_by(each.bound + step) for step in (-1e-9, 0.0, 1e-9)] == met


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"at_least": None}, "needs one of at_least and at_most, got None and None"),
        ({"at_most": 0.7}, "needs one of at_least and at_most, got 0.5 and 0.7"),
        ({"figure": "precision"}, "prevalence should be named for precision, which depends on it"),
        ({"figure": "npv"}, "prevalence should be named for NPV, which depends on it"),
        ({**COST, "at_least": None}, "prevalence should be named for cost per person, which depends on it"),
    ],
)
def test_a_promise_that_says_too_little_or_too_much_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Promise.model_validate({"figure": "recall", "at_least": 0.5, "confidence": 0.9, **fields})
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


def test_promises_in_words_name_all_that_they_depend_on() -> None:
    assert str(promise("recall", group="sex=male")) == "recall >= 0.5 in sex=male with confidence 0.9"
    assert str(promise("flagged", prevalence=0.02)) == "flagged <= 0.9 at prevalence 0.02 with confidence 0.9"
    assert str(promise("flagged")) == "flagged <= 0.9 among people like the certification cases with confidence 0.9"
    assert str(promise("cost", prevalence=0.02, costs=Costs(miss=50.0))) == (
        "cost per person <= 0.9 at prevalence 0.02 where a miss costs 50, an alarm 1 with confidence 0.9"
    )


def test_only_promises_that_do_not_depend_on_the_prevalence_hold_at_another() -> None:
    assert promise("recall").holds_at(0.5, cases=0.1)
    assert promise("specificity").holds_at(0.5, cases=0.1)
    for each in (promise("flagged"), promise("precision", prevalence=0.1), promise("flagged", prevalence=0.1)):
        assert [each.holds_at(at, cases=0.1) for at in (0.1, 0.5)] == [True, False]
