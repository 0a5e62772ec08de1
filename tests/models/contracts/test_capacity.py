from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Contract
from models.contracts.capacity import Capacity
from models.curve import Counts, Curve
from models.errors import Unreachable
from models.plan import Expected
from tests.cases import drawn, most, two_scores


def carried_by_scipy(counts: Counts, contract: Capacity) -> float:
    """The largest share flagged: of all cases together, or of both kinds at half the risk each."""
    if contract.prevalence is None:
        flagged, people = counts.hits + counts.alarms, counts.positives + counts.negatives
        return most(flagged, people, contract.confidence)
    half = (1 + contract.confidence) / 2
    sick = contract.prevalence * most(counts.hits, counts.positives, half)
    return sick + (1 - contract.prevalence) * most(counts.alarms, counts.negatives, half)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**31),
    st.sampled_from([0.05, 0.2, 0.6]),
    st.sampled_from([None, 0.01, 0.3]),
    st.sampled_from([3, 20, None]),
)
def test_the_threshold_is_the_lowest_that_a_slow_loop_from_the_top_finds(
    seed: int, at_most: float, prevalence: float | None, steps: int | None
) -> None:
    curve = drawn(250, 0.3, seed=seed, steps=steps)
    contract = Capacity(at_most=at_most, prevalence=prevalence)
    found = None
    for score in sorted(curve.thresholds, reverse=True):
        if carried_by_scipy(curve.at(score), contract) > at_most:
            break
        found = score
    if found is None or not curve.at(found).hits:
        with pytest.raises(Unreachable):
            contract.choose(curve, guide=curve)
        return
    point = contract.choose(curve, guide=curve)
    assert curve.at(point.threshold) == curve.at(found)
    assert point.threshold <= found
    assert point.certificates[0].certified == at_most


@pytest.mark.parametrize("prevalence", [None, 0.3])
def test_who_has_room_for_too_few_is_told_how_many_more_cases_would_do(prevalence: float | None) -> None:
    contract = Capacity(at_most=0.2, prevalence=prevalence)
    counts = Counts(hits=5, misses=5, alarms=0, clears=30)
    curve = two_scores(counts)
    with pytest.raises(Unreachable) as caught:
        contract.choose(curve, guide=curve)
    carried = carried_by_scipy(counts, contract)
    where = " among people like the certification cases" if prevalence is None else " at prevalence 0.3"
    assert caught.value.nearest == pytest.approx(carried, rel=1e-9)
    assert caught.value.reason == (
        "The fewest that can be flagged, if any of the sick is to be among them, carry flagged <="
        f" {carried:.4g}{where}."
    )
    more_sick, more_healthy = caught.value.missing_positives, caught.value.missing_negatives
    assert more_sick is not None
    assert more_healthy is not None
    grown = counts.grown(1 + more_healthy / 30)
    assert contract.choose(two_scores(grown), guide=curve).measured.counts.hits
    with pytest.raises(Unreachable):
        contract.choose(two_scores(counts.grown(1 + more_healthy / 60)), guide=curve)


def test_where_more_than_there_is_room_for_share_one_score_no_number_would_do() -> None:
    curve = Curve.of([0.5] * 400, [0, 1] * 200)
    with pytest.raises(Unreachable) as caught:
        Capacity(at_most=0.2).choose(curve, guide=curve)
    assert (caught.value.missing_positives, caught.value.missing_negatives) == (None, None)


def test_the_region_is_the_mean_recall_for_rooms_up_to_twice_the_asked_by_a_slow_loop() -> None:
    curve = drawn(200, 0.3, seed=7)
    for prevalence in (None, 0.05):
        recalls = []
        for step in range(1, 101):
            room = 2 * 0.1 * step / 100
            found = 0.0
            for counts in map(curve.at, curve.thresholds):
                share = counts.prevalence if prevalence is None else prevalence
                flagged = share * counts.hits / counts.positives + (1 - share) * counts.alarms / counts.negatives
                found = max(found, counts.hits / counts.positives if flagged <= room + 1e-12 else 0.0)
            recalls.append(found)
        assert Capacity(at_most=0.1, prevalence=prevalence).region(curve) == pytest.approx(np.mean(recalls), abs=0.01)


def test_the_plan_of_people_as_they_come_says_how_many_of_them_may_be_flagged() -> None:
    contract = Capacity(at_most=0.1)
    for need, flagged in zip(contract.plan(Expected(share=0.25)), range(11), strict=True):
        cases = need.positives + need.negatives
        assert need.positives == round(cases / 4)
        assert need.note == f"{cases} cases of both kinds, of which {flagged} may be flagged"
        assert most(flagged, cases, 0.95) <= 0.1 < most(flagged, cases - 1, 0.95)
    assert {need.positives for need in contract.plan(Expected())} == {0}


def test_the_plan_at_a_prevalence_needs_no_more_than_the_expected_model_flags() -> None:
    (need,) = Capacity(at_most=0.2, prevalence=0.1).plan(Expected(recall=0.8, specificity=0.95))
    counts = Counts(hits=need.positives, misses=0, alarms=need.allowed_alarms or 0, clears=0)
    assert counts.positives == need.positives
    assert need.allowed_misses is None
    # A model that flags more than there is room for, however many cases there are.
    assert Capacity(at_most=0.1, prevalence=0.1).plan(Expected(recall=0.9, specificity=0.9)) == ()


def test_room_in_words_is_a_share_of_people() -> None:
    assert Contract.read("flag at most 50 per 1,000 people at prevalence 1 %") == Capacity(
        at_most=0.05, prevalence=0.01
    )
