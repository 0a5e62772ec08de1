"""One test for every contract, found by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

import models.contracts
from models.contract import Contract
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
from models.curve import Counts, Curve
from models.errors import Unreachable
from models.operating_point import spoken_of
from models.plan import Expected
from models.value import Value, load_members, members
from tests.cases import drawn

load_members(models.contracts)
PRECISION = Precision(at_least=0.6, prevalence=0.2)
ASKED: list[Contract] = [
    Recall(at_least=0.8),
    Specificity(at_least=0.8),
    PRECISION,
    NPV(at_least=0.9, prevalence=0.2),
    Cost(costs=Costs(miss=7.0, false_alarm=2.0), prevalence=0.2),
    Cost(costs=Costs(miss=4.0), prevalence=0.2, at_most=0.6),
    Capacity(at_most=0.3),
    Capacity(at_most=0.25, prevalence=0.1),
    RecallInEveryGroup(at_least=0.8, groups=("sex", 'age="old", 65 and more')),
    RuleInOut(rule_in=PRECISION, rule_out=Recall(at_least=0.97)),
    RuleInOut(rule_in=Capacity(at_most=0.2), rule_out=NPV(at_least=0.97, prevalence=0.2)),
    Several(contracts=(Recall(at_least=0.8), Specificity(at_least=0.7)), then="the most hits"),
    Several(contracts=(PRECISION, RecallInEveryGroup(at_least=0.6, groups=("sex",)))),
]
GROUPS = {
    "sex=male": drawn(1500, 0.2, seed=11, apart=3.2),
    "sex=female": drawn(1500, 0.2, seed=12, apart=2.6),
    'age="old", 65 and more': drawn(900, 0.3, seed=13),
}
GUIDE = drawn(2000, 0.2, seed=2, of=0.2)
every_contract = pytest.mark.parametrize("contract", ASKED, ids=lambda contract: contract.words)
guided_or_not = pytest.mark.parametrize("guided", [True, False], ids=["guide", "scores alone"])


def test_every_contract_is_asked() -> None:
    assert {type(contract) for contract in ASKED} == {
        member
        for member in members(Contract)  # type: ignore[type-abstract]  # the family is asked for its members
        if member.__module__.startswith("models.")
    }


@every_contract
@guided_or_not
def test_every_contract_answers_with_thresholds_that_keep_all_it_promises(contract: Contract, guided: bool) -> None:  # noqa: FBT001  # a parameter
    curve = drawn(4000, 0.2, seed=1, of=0.2)
    point = contract.choose(curve, guide=GUIDE if guided else None, groups=GROUPS)
    for threshold in (point.threshold, point.clear_below):
        assert threshold == np.float32(threshold)
    assert point.measured.counts == curve.at(point.threshold)
    assert point.cleared == (curve.at(point.clear_below) if point.has_zone else None)
    kept = {promise.model_copy(update={"group": None}) for promise in point.promises}
    assert kept == {promise.model_copy(update={"group": None}) for promise in contract.promises}
    # Every certificate is kept as measured too, each on its own cases.
    for certificate in point.certificates:
        promise = certificate.promise
        cases = curve if promise.group is None else GROUPS[promise.group]
        assert (certificate.positives, certificate.negatives) == (cases.positive_count, cases.negative_count)
        zone = cases.at(point.clear_below) if point.has_zone else None
        spoken = spoken_of(promise, cases.at(point.threshold), zone)
        assert promise.met_by(promise.carried(spoken))
        assert promise.met_by(promise.measured(spoken))
    where = {"threshold": point.threshold, "clear_below": point.clear_below}
    assert contract.unmet(curve, **where, groups=GROUPS) == ()


@every_contract
def test_every_contract_names_what_fixed_thresholds_do_not_keep(contract: Contract) -> None:
    curve = drawn(4000, 0.2, seed=1, of=0.2)
    unmet = [
        contract.unmet(curve, threshold=threshold, clear_below=threshold, groups=GROUPS) for threshold in (0.0, 1.0)
    ]
    assert any(unmet)
    for reason in (reason for each in unmet for reason in each):
        broken, _, carried = reason.partition(": the cases carry ")
        assert any(broken.startswith(promise.worded(promise.bound)[:7]) for promise in contract.promises)
        assert carried


@every_contract
def test_every_contract_is_written_and_read_back_by_its_name(contract: Contract) -> None:
    class Order(Value):
        contract: Contract

    order = Order(contract=contract.held_with(0.9))
    assert order.model_dump(mode="json")["contract"]["kind"] == type(contract).__name__
    assert Order.model_validate_json(order.model_dump_json()) == order
    assert Contract.read(str(order.contract)) == order.contract


@every_contract
def test_every_contract_holds_with_the_confidence_it_is_given(contract: Contract) -> None:
    held = contract.held_with(0.99)
    assert held.confidence == 0.99
    # However many promises share the risk, all of it is shared out, and no more.
    shares = {type(part): 1 - part.confidence for part in getattr(held, "parts", (held,))}
    parts = getattr(held, "parts", (held,))
    assert sum(1 - part.confidence for part in parts) == pytest.approx(0.01)
    assert {round(share, 12) for share in shares.values()} == {round(0.01 / len(parts), 12)}
    assert {1 - promise.confidence for promise in held.promises} == {1 - part.confidence for part in parts}


@every_contract
@guided_or_not
def test_every_contract_raises_unreachable_with_few_cases_and_says_how_near_they_came(
    contract: Contract,
    guided: bool,  # noqa: FBT001  # a parameter
) -> None:
    curve = Curve.of(np.linspace(0.1, 0.9, 10), [0, 0, 0, 1, 0, 1, 0, 1, 1, 1], prevalence=0.2)
    with pytest.raises(Unreachable) as caught:
        contract.choose(curve, guide=curve if guided else None, groups=dict.fromkeys(GROUPS, curve))
    promised = {caught.value.promise} & {str(contract), *map(str, contract.promises)}
    assert promised or "in sex=male" in caught.value.promise
    assert str(caught.value).startswith(f"{caught.value.promise}: cannot be certified. {caught.value.reason}")
    assert math.isfinite(caught.value.nearest)


@every_contract
@guided_or_not
def test_every_contract_is_unreachable_and_never_a_sentinel_on_scores_that_say_nothing(
    contract: Contract,
    guided: bool,  # noqa: FBT001  # a parameter
) -> None:
    curve = Curve.of([0.5] * 30, [1] * 10 + [0] * 20, prevalence=0.2)
    with pytest.raises(Unreachable):
        contract.choose(curve, guide=curve if guided else None, groups=dict.fromkeys(GROUPS, curve))


@every_contract
def test_every_contract_is_unreachable_without_cases_of_either_kind(contract: Contract) -> None:
    scores = np.linspace(0.05, 0.95, 50)
    for targets in ([1] * 50, [0] * 50):
        curve = Curve.of(scores, targets, prevalence=0.2)
        try:
            point = contract.choose(curve, guide=GUIDE, groups=dict.fromkeys(GROUPS, curve))
        except Unreachable:
            continue
        # Only what speaks of the sick alone may be certified on the sick alone.
        assert targets[0] == 1
        assert {promise.figure for promise in point.promises} <= {"recall", "flagged"}


@every_contract
def test_pitfall_every_rule_refuses_demands_that_can_not_be_met_by_any_data(contract: Contract) -> None:
    fields = contract.model_dump(mode="json")
    numbers = {name for name, field in type(contract).model_fields.items() if "float" in str(field.annotation)}
    assert "confidence" in numbers
    for name in numbers:
        priced = name == "at_most" and isinstance(contract, Cost)
        for bad in (0.0, -0.1, float("nan"), float("inf"), *(() if priced else (1.0, 2.0))):
            with pytest.raises(ValidationError, match=name):
                type(contract).model_validate({**fields, name: bad})
    with pytest.raises(ValidationError, match="confidence"):
        type(contract).model_validate({**fields, "confidence": 0.5})


@every_contract
def test_the_region_of_every_contract_rises_with_a_better_model_and_lies_from_0_to_1(contract: Contract) -> None:
    found = [contract.region(drawn(4000, 0.2, seed=6, apart=apart, of=0.2)) for apart in (0.0, 1.0, 2.0, 3.0, 6.0)]
    assert found == sorted(found)
    assert -1e-9 <= found[0] < 0.75
    assert found[-1] <= 1
    assert found[-1] > found[0]


@every_contract
def test_planned_cases_carry_the_promise_with_the_mistakes_they_may_hold_and_not_with_one_more(
    contract: Contract,
) -> None:
    needs = contract.plan(Expected(recall=0.95, specificity=0.95, share=0.3))
    assert needs
    promises = {str(promise): promise for promise in contract.promises}
    for need in needs:
        promise = promises[need.promise]
        if need.allowed_misses is None and need.allowed_alarms is None:
            assert promise.figure == "flagged"  # what these may hold is said of both kinds together
            continue

        def carries(misses: int, alarms: int, need=need, promise=promise) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001  # bound here
            counts = Counts(hits=need.positives - misses, misses=misses, alarms=alarms, clears=need.negatives - alarms)
            return bool(promise.met_by(promise.carried(counts)))

        if need.allowed_misses is not None and need.allowed_alarms is None:
            assert carries(need.allowed_misses, 0)
            assert not carries(need.allowed_misses + 1, 0)
        elif need.allowed_alarms is not None and need.allowed_misses is None and promise.figure == "specificity":
            assert carries(0, need.allowed_alarms)
            assert not carries(0, need.allowed_alarms + 1)


def broken(contract: Contract, repeats: int, *, steps: int, guided: bool) -> float:
    """How often a certified point breaks one of its promises, where the truth is known.

    The sick score 0 to `steps` - 1 with weights that rise, the healthy with weights that fall: ties everywhere.
    """
    random = np.random.default_rng(3)
    scores = (np.arange(steps) + 0.5) / steps
    rising = np.exp(2.5 * scores)
    laws = {1: rising / rising.sum(), 0: rising[::-1] / rising.sum()}
    certified, wrong = 0, 0
    for _ in range(repeats):
        cases = []
        for sick, healthy in ((90, 210), (60, 140)):
            drawn_scores = [random.choice(scores, size, p=laws[kind]) for kind, size in ((1, sick), (0, healthy))]
            cases.append(Curve.of(np.concatenate(drawn_scores), [1] * sick + [0] * healthy, prevalence=0.3))
        groups = {"sex=male": cases[0]}
        try:
            point = contract.choose(cases[0], guide=cases[1] if guided else None, groups=groups)
        except Unreachable:
            continue
        certified += 1
        for promise in point.promises:
            limit = point.clear_below if promise.figure in {"recall", "npv"} else point.threshold
            flagged = scores.astype(np.float32) >= np.float32(limit)
            caught, alarmed = laws[1][flagged].sum(), laws[0][flagged].sum()
            # So many people that a share of them is as good as the law itself.
            many = 10**9
            sick, healthy = round(many * 0.3), round(many * 0.7)
            hits, alarms = round(sick * caught), round(healthy * alarmed)
            counts = Counts(hits=hits, misses=sick - hits, alarms=alarms, clears=healthy - alarms)
            if not promise.met_by(promise.measured(counts)):
                wrong += 1
                break
    assert certified >= 10
    return wrong / repeats


TIGHT: list[Contract] = [
    Recall(at_least=0.8),
    Specificity(at_least=0.8),
    Precision(at_least=0.7, prevalence=0.3),
    NPV(at_least=0.88, prevalence=0.3),
    Capacity(at_most=0.3),
    Capacity(at_most=0.3, prevalence=0.3),
    RecallInEveryGroup(at_least=0.8, groups=("sex",)),
    RuleInOut(rule_in=Specificity(at_least=0.85), rule_out=Recall(at_least=0.85)),
    Several(contracts=(Recall(at_least=0.7), Specificity(at_least=0.6))),
]


@pytest.mark.parametrize("steps", [8, 400])
@pytest.mark.parametrize("contract", TIGHT, ids=lambda contract: contract.words)
@guided_or_not
def test_no_contract_breaks_its_promise_more_often_than_its_confidence_allows(
    contract: Contract,
    steps: int,
    guided: bool,  # noqa: FBT001  # a parameter
) -> None:
    """150 repeats at a risk of 0.2: more than 0.3 broken has a chance below 1 in 500."""
    assert broken(contract.held_with(0.8), 150, steps=steps, guided=guided) <= 0.3
