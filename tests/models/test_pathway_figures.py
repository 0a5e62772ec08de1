from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.intervals import flagged_share, npv_at, precision_at
from models.pathway_figures import Answered, Cases, PathwayFigures

ANSWERED = Answered(
    cleared=Cases(sick=5, healthy=700),
    referred=Cases(sick=25, healthy=260),
    operated=Cases(sick=70, healthy=40),
    overruled=Cases(sick=1, healthy=10),
)
three = st.tuples(*[st.integers(0, 40)] * 3).filter(any)


def test_each_share_is_of_the_people_it_names_with_its_wilson_interval() -> None:
    found = PathwayFigures.of(ANSWERED, prevalence=0.05)
    for figure, of, out_of in (
        (found.net_sensitivity, 70, 100),
        (found.not_cleared, 95, 100),
        (found.net_specificity, 960, 1000),
    ):
        low, high = stats.binomtest(of, out_of).proportion_ci(0.95, method="wilson")
        assert (figure.value, figure.low, figure.high) == pytest.approx((of / out_of, low, high))


def test_what_is_said_to_a_person_is_stated_at_the_prevalence() -> None:
    found = PathwayFigures.of(ANSWERED, prevalence=0.05)
    assert found.ppv.value == pytest.approx(0.05 * 0.7 / (0.05 * 0.7 + 0.95 * 0.04))
    assert found.npv.value == pytest.approx(0.95 * 0.7 / (0.95 * 0.7 + 0.05 * 0.05))
    assert found.ppv == precision_at(hits=70, positives=100, alarms=40, negatives=1000, prevalence=0.05)
    assert found.npv == npv_at(misses=5, positives=100, clears=700, negatives=1000, prevalence=0.05)


def test_of_1000_people_so_many_go_each_way() -> None:
    found = PathwayFigures.of(ANSWERED, prevalence=0.1)
    assert found.second_step_per_1000.value == pytest.approx(95 + 0.3 * 900)
    assert found.referred_per_1000.value == pytest.approx(25 + 0.26 * 900)
    assert found.operated_per_1000.value == pytest.approx(70 + 0.04 * 900)
    assert found.missed_per_1000.value == pytest.approx(5)
    assert str(found.missed_per_1000) == "5.0 [2.2, 11.2]"
    wanted = flagged_share(hits=25, positives=100, alarms=260, negatives=1000, prevalence=0.1)
    assert (found.referred_per_1000.low, found.referred_per_1000.high) == (1000 * wanted.low, 1000 * wanted.high)


@given(three, three, st.floats(0.001, 0.999))
def test_people_add_up_and_every_interval_holds_its_value(
    sick: tuple[int, int, int], healthy: tuple[int, int, int], prevalence: float
) -> None:
    (a, b, c), (d, e, f) = sick, healthy
    answered = Answered(
        cleared=Cases(sick=a, healthy=d),
        referred=Cases(sick=b, healthy=e),
        operated=Cases(sick=c, healthy=f),
        overruled=Cases(sick=0, healthy=d),
    )
    found = PathwayFigures.of(answered, prevalence=prevalence)
    assert found.referred_per_1000.value + found.operated_per_1000.value == pytest.approx(
        found.second_step_per_1000.value, abs=1e-9
    )
    assert found.missed_per_1000.value == pytest.approx(1000 * prevalence * a / (a + b + c))
    for figure in (
        found.net_sensitivity, found.not_cleared, found.net_specificity, found.ppv, found.npv,
        found.second_step_per_1000, found.referred_per_1000, found.operated_per_1000, found.missed_per_1000,
    ):  # fmt: skip
        assert figure.value is None or figure.low <= figure.value <= figure.high
    assert (found.ppv.value is None) == (c + f == 0)
    assert (found.npv.value is None) == (a + d == 0)
    assert PathwayFigures.model_validate_json(found.model_dump_json()) == found


def test_multiplying_is_right_where_the_models_err_independently() -> None:
    # Every combination of two independent answers, in their exact shares: 0.9 * 0.5 of the sick, 0.2 * 0.1 of the rest.
    sick = dict(zip(product((1, 0), (1, 0)), (45, 45, 5, 5), strict=True))
    healthy = dict(zip(product((1, 0), (1, 0)), (2, 18, 8, 72), strict=True))
    answered = Answered(
        cleared=Cases(sick=sick[0, 1] + sick[0, 0], healthy=healthy[0, 1] + healthy[0, 0]),
        referred=Cases(sick=sick[1, 0], healthy=healthy[1, 0]),
        operated=Cases(sick=sick[1, 1], healthy=healthy[1, 1]),
        overruled=Cases(sick=sick[0, 1], healthy=healthy[0, 1]),
    )
    found = PathwayFigures.of(answered, prevalence=0.2)
    assert found.multiplied.net_sensitivity == pytest.approx(found.net_sensitivity.value)
    assert found.multiplied.net_specificity == pytest.approx(found.net_specificity.value)
    assert found.multiplied.ppv == pytest.approx(found.ppv.value)
    assert found.multiplied.operated_per_1000 == pytest.approx(found.operated_per_1000.value)


def test_pitfall_multiplying_is_wrong_where_one_model_asks_twice() -> None:
    random = np.random.default_rng(0)
    flagged = {kind: random.random(1000) < share for kind, share in (("sick", 0.8), ("healthy", 0.1))}
    counts = {kind: int(each.sum()) for kind, each in flagged.items()}
    answered = Answered(
        cleared=Cases(**{kind: 1000 - count for kind, count in counts.items()}),
        referred=Cases(sick=0, healthy=0),
        operated=Cases(**counts),
        overruled=Cases(sick=0, healthy=0),
    )
    found = PathwayFigures.of(answered, prevalence=0.1)
    assert found.multiplied.net_sensitivity == pytest.approx((counts["sick"] / 1000) ** 2)
    assert 1 - found.multiplied.net_specificity == pytest.approx((counts["healthy"] / 1000) ** 2)
    assert found.multiplied.ppv > found.ppv.high
    assert found.multiplied.net_sensitivity < found.net_sensitivity.low


def test_nobody_positive_before_surgery_leaves_nothing_to_multiply() -> None:
    nobody = Cases(sick=0, healthy=0)
    answered = Answered(cleared=nobody, referred=Cases(sick=3, healthy=4), operated=nobody, overruled=nobody)
    found = PathwayFigures.of(answered, prevalence=0.5)
    assert found.multiplied.ppv is None
    assert found.multiplied.operated_per_1000 == 0
    assert found.second_step_per_1000.value == found.referred_per_1000.value == 1000


@pytest.mark.parametrize("kind", ["sick", "healthy"])
def test_cases_of_one_kind_are_refused(kind: str) -> None:
    nobody = Cases(sick=0, healthy=0)
    some = nobody.model_copy(update={kind: 3})
    with pytest.raises(ValueError) as caught:
        PathwayFigures.of(Answered(cleared=some, referred=nobody, operated=nobody, overruled=nobody), prevalence=0.5)
    sick, healthy = some.sick, some.healthy
    assert str(caught.value) == f"answered: should be of cases of both kinds, got {sick} sick, {healthy} healthy."


@pytest.mark.parametrize("prevalence", [0.0, 1.0])
def test_a_prevalence_that_is_none_is_refused(prevalence: float) -> None:
    with pytest.raises(ValueError, match=r"^prevalence: should lie strictly between 0 and 1"):
        PathwayFigures.of(ANSWERED, prevalence=prevalence)
