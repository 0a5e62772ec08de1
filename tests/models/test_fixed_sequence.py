"""Walks without a guide: begun by scores alone, sharing one risk."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.contract import OneThreshold
from models.contracts.capacity import Capacity
from models.contracts.npv import NPV
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.contracts.rule_in_out import RuleInOut
from models.contracts.several import Several
from models.curve import Counts, Curve
from models.errors import Unreachable
from models.fixed_sequence import carried, walks
from tests.cases import drawn, npv_by_scipy, precision_by_scipy, two_scores

Bound = Callable[[Counts, float, float], float]


def begins(cases: int) -> list[float]:
    """How many are answered where walks begin: 30, 48, 76.8 ... up to half of the cases, or just half of them."""
    wanted, many = [], 30.0
    while many <= cases / 2:
        wanted.append(many)
        many *= 1.6
    return wanted or [cases / 2]


def by_loop(contract: Precision | NPV, curve: Curve) -> list[float]:
    """What passes: threshold by threshold, each at the risk that came along and what is given out there."""
    npv = isinstance(contract, NPV)
    bound: Bound = npv_by_scipy if npv else precision_by_scipy
    scores = sorted(curve.thresholds, reverse=not npv)
    counted = [curve.at(score) for score in scores]
    answered = [each.misses + each.clears if npv else each.hits + each.alarms for each in counted]
    wanted = begins(len_of(curve))
    first = [next((place for place, many in enumerate(answered) if many >= k), len(scores) - 1) for k in wanted]
    passed, risk = [], 0.0
    for place, (score, counts) in enumerate(zip(scores, counted, strict=True)):
        risk += (1 - contract.confidence) * first.count(place) / len(wanted)
        if not risk:
            continue
        if bound(counts, 1 - risk, contract.prevalence) >= contract.at_least:
            passed.append(curve.settled(score))
        else:
            risk = 0.0
    return passed


def len_of(curve: Curve) -> int:
    return curve.positive_count + curve.negative_count


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "contract",
    [
        Precision(at_least=0.6, prevalence=0.2),
        Precision(at_least=0.95, prevalence=0.5, confidence=0.8),
        NPV(at_least=0.95, prevalence=0.2),
        NPV(at_least=0.985, prevalence=0.1, confidence=0.8),
    ],
    ids=str,
)
@pytest.mark.parametrize(("cases", "steps"), [(500, None), (500, 12), (50, None)])
def test_without_a_guide_what_passes_is_that_of_a_slow_loop(
    contract: Precision | NPV, seed: int, cases: int, steps: int | None
) -> None:
    curve = drawn(cases, 0.25, seed=seed, steps=steps)
    wanted = by_loop(contract, curve)
    if not wanted:
        with pytest.raises(Unreachable):
            contract.choose(curve, guide=None)
        return
    found = contract.span(curve, guide=None, groups={})
    assert found.among is not None
    assert found.among.tolist() == sorted(wanted)
    assert (found.low, found.high) == (min(wanted), max(wanted))
    best = min(wanted) if isinstance(contract, Precision) else max(wanted)
    assert contract.choose(curve, guide=None).threshold == best


def test_where_a_walk_begins_is_told_by_the_scores_and_not_by_the_labels() -> None:
    """Labels of every kind, and never is a threshold taken that fewer than 30 are flagged at."""
    scores = np.linspace(0.001, 0.999, 200)
    for seed in range(20):
        random = np.random.default_rng(seed)
        curve = Curve.of(scores, random.random(200) < scores**2)
        passed = walks(Precision(at_least=0.05, prevalence=0.3).promises[0], curve)
        assert passed.tolist() == curve.middles[::-1][29:].tolist()
    # The 29 at the top would do, but they are not looked at alone, and one more does not do.
    top = Curve.of(scores, [0] * 85 + [1] * 5 + [0] * 81 + [1] * 29)
    asked = Precision(at_least=0.96, prevalence=0.5)
    assert precision_by_scipy(top.at(float(scores[-29])), 1 - 0.05 / 3, 0.5) >= 0.96
    with pytest.raises(Unreachable):
        asked.choose(top, guide=None)
    assert asked.model_copy(update={"at_least": 0.95}).choose(top, guide=None).measured.counts == top.at(scores[-30])


def test_a_walk_that_comes_to_the_next_beginning_hands_its_risk_on() -> None:
    """Of 200 cases walks begin at 30, 48 and 76.8, with a third of the risk each; the second begins with two."""
    contract = Precision(at_least=0.5, prevalence=0.5)
    curve = Curve.of([0.9] * 30 + [0.7] * 18 + [0.1] * 152, [1] * 30 + [1] * 4 + [0] * 14 + [1] * 66 + [0] * 86)
    counts, (promise,) = curve.at(0.7), contract.promises
    at_shares = [precision_by_scipy(counts, 1 - 0.05 * share / 3, 0.5) for share in (1, 2)]
    assert at_shares[0] < at_shares[1]
    between = contract.model_copy(update={"at_least": sum(at_shares) / 2})
    assert between.choose(curve, guide=None).measured.counts == counts
    # Where the first one fails it hands on nothing.
    fewer = Curve.of([0.9] * 30 + [0.7] * 18 + [0.1] * 152, [1] * 18 + [0] * 12 + [1] * 16 + [0] * 2 + [0] * 152)
    (promise,) = between.promises
    assert promise.carried(fewer.at(0.7)) > promise.carried(counts) - 0.1
    first = precision_by_scipy(fewer.at(0.9), 1 - 0.05 / 3, 0.5)
    third, both = (precision_by_scipy(fewer.at(0.7), 1 - 0.05 * share / 3, 0.5) for share in (1, 2))
    assert first < third < both
    asked = contract.model_copy(update={"at_least": (third + both) / 2})
    with pytest.raises(Unreachable):
        asked.choose(fewer, guide=None)


@pytest.mark.parametrize(
    ("counts", "at_least"),
    [
        (Counts(hits=45, misses=55, alarms=0, clears=900), 0.92),
        (Counts(hits=300, misses=100, alarms=20, clears=1500), 0.85),
        (Counts(hits=90, misses=10, alarms=30, clears=970), 0.7),
    ],
)
def test_if_no_walk_passes_the_nearest_beginning_is_told_and_how_many_cases_would_do(
    counts: Counts, at_least: float
) -> None:
    rule = Precision(at_least=at_least, prevalence=0.1)
    curve = two_scores(counts)
    wanted = begins(len_of(curve))
    flagged = counts.hits + counts.alarms
    share = sum(k <= flagged for k in wanted) / len(wanted)
    nearest = precision_by_scipy(counts, 1 - 0.05 * share, 0.1)
    with pytest.raises(Unreachable) as caught:
        rule.choose(curve, guide=None)
    sick, healthy = caught.value.missing_positives, caught.value.missing_negatives
    assert sick is not None
    assert healthy is not None
    assert str(caught.value) == (
        f"precision >= {at_least} at prevalence 0.1 with confidence 0.95: cannot be certified. {counts.positives}"
        f" positives and {counts.negatives} negatives carry precision >= {nearest:.4g} at prevalence 0.1. Would"
        f" do: {sick} more positives and {healthy} more negatives."
    )
    times = 1 + sick / counts.positives
    assert rule.choose(two_scores(counts.grown(times * 1.01)), guide=None).certificates
    if times > 1.1:
        with pytest.raises(Unreachable):
            rule.choose(two_scores(counts.grown(1 + (times - 1) / 2)), guide=None)


@pytest.mark.parametrize("contract", [Precision(at_least=0.9, prevalence=0.1), NPV(at_least=0.999, prevalence=0.1)])
@pytest.mark.parametrize("targets", [[], [0] * 80, [1] * 80])
def test_without_both_kinds_of_cases_nothing_is_reachable(contract: OneThreshold, targets: list[int]) -> None:
    curve = Curve.of(np.linspace(0.1, 0.9, len(targets)), targets)
    with pytest.raises(Unreachable) as caught:
        contract.choose(curve, guide=None)
    assert (caught.value.nearest, caught.value.missing_positives) == (0.0, None)


# Sure of those above 0.8, not of those down to 0.6, and sure again of all down to 0.4.
HOLED = Curve.of(
    [0.9] * 40 + [0.7] * 40 + [0.5] * 400 + [0.1] * 800, [1] * 40 + [0] * 40 + [1] * 400 + [0] * 780 + [1] * 20
)


def test_what_walks_passed_apart_is_taken_together_and_what_lies_between_is_not() -> None:
    contract = Precision(at_least=0.7, prevalence=0.4)
    found = contract.span(HOLED, guide=None, groups={})
    assert found.among is not None
    assert found.among.tolist() == [HOLED.settled(0.5), HOLED.settled(0.9)]
    for then, flagged in (("the fewest alarms", 40), ("the most hits", 480)):
        several = Several.model_validate({"contracts": (contract, Capacity(at_most=0.6)), "then": then})
        point = several.choose(HOLED, guide=None)
        assert point.measured.counts.hits + point.measured.counts.alarms == flagged
    # Far more than the first 40 may be flagged, but not all of the 480.
    room = Several(contracts=(contract, Capacity(at_most=0.12)), then="the most hits")
    assert room.choose(HOLED, guide=None).measured.counts.hits == 40


def test_a_zone_without_a_guide_has_each_side_at_half_the_risk() -> None:
    curve = drawn(3000, 0.2, seed=1, apart=2.0)
    precision, npv = Precision(at_least=0.7, prevalence=0.2), NPV(at_least=0.97, prevalence=0.2)
    point = RuleInOut(rule_in=precision, rule_out=npv, confidence=0.9).choose(curve, guide=None)
    sides = [side.held_with(0.95).choose(curve, guide=None).threshold for side in (precision, npv)]
    assert [point.threshold, point.clear_below] == sides
    assert point.has_zone


def test_parts_of_several_without_a_threshold_in_common_say_how_many_cases_would_do() -> None:
    curve = drawn(1500, 0.2, seed=5, apart=2.2)
    contract = Several(contracts=(Precision(at_least=0.65, prevalence=0.2), Recall(at_least=0.75)))
    with pytest.raises(Unreachable) as caught:
        contract.choose(curve, guide=None)
    more = caught.value.missing_positives
    assert more is not None
    times = 1 + more // curve.positive_count
    assert contract.choose(curve.grown(times), guide=None).certificates


@pytest.mark.parametrize("contract", [Precision(at_least=0.5, prevalence=0.03), NPV(at_least=0.5, prevalence=0.03)])
def test_many_counts_at_once_carry_what_each_carries_alone(contract: OneThreshold) -> None:
    curve = drawn(300, 0.1, seed=3)
    (promise,) = contract.promises
    _, hits, alarms = curve.cumulative
    alone = [promise.carried(curve.at(score)) for score in curve.thresholds]
    assert carried(promise, hits[:-1], alarms[:-1], curve).tolist() == alone
