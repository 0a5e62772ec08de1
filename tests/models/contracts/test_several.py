from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from models.contract import Contract, OneThreshold
from models.contracts.capacity import Capacity
from models.contracts.cost import Cost
from models.contracts.every_group import RecallInEveryGroup
from models.contracts.npv import NPV
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.contracts.several import Several
from models.contracts.specificity import Specificity
from models.costs import Costs
from models.curve import Curve
from models.errors import BadInput, Unreachable
from tests.cases import drawn, least

CURVE, GUIDE = drawn(4000, 0.2, seed=1, of=0.2), drawn(2000, 0.2, seed=2, of=0.2)


@pytest.mark.parametrize("then", ["the fewest alarms", "the most hits"])
def test_each_part_is_certified_at_its_share_of_the_risk_and_the_end_that_is_wanted_is_taken(then: str) -> None:
    contract = Several.model_validate(
        {"contracts": (Recall(at_least=0.8), Specificity(at_least=0.7)), "then": then, "confidence": 0.9}
    )
    point = contract.choose(CURVE, guide=GUIDE)
    high = Recall(at_least=0.8, confidence=0.95).choose(CURVE, guide=GUIDE)
    low = Specificity(at_least=0.7, confidence=0.95).choose(CURVE, guide=GUIDE)
    assert low.threshold < high.threshold
    assert point.threshold == (high if then == "the fewest alarms" else low).threshold
    assert point.certificates == (*high.certificates, *low.certificates)


def test_where_thresholds_are_tested_one_by_one_only_those_that_passed_for_all_are_taken() -> None:
    precision, npv = Precision(at_least=0.55, prevalence=0.2), NPV(at_least=0.95, prevalence=0.2)
    contract = Several(contracts=(precision, npv, Capacity(at_most=0.4)), confidence=0.94)
    tested = [set(part.span(CURVE, guide=GUIDE, groups={}).among.tolist()) for part in contract.parts[:2]]  # type: ignore[union-attr]  # both are tested one by one
    capacity = contract.parts[2].span(CURVE, guide=GUIDE, groups={})
    common = [each for each in tested[0] & tested[1] if capacity.low <= each <= capacity.high]
    for then, wanted in (("the fewest alarms", max(common)), ("the most hits", min(common))):
        asked = Several.model_validate({**contract.model_dump(mode="json"), "then": then})
        assert asked.choose(CURVE, guide=GUIDE).threshold == wanted


def test_parts_that_have_no_threshold_in_common_are_named_with_how_many_cases_would_do() -> None:
    """Recall wants to be below a score that the specificity wants to be above; more cases allow more misses."""
    # One of 60 may be missed or alarmed with confidence 0.975, and three lie in the middle.
    curve = Curve.of([0.9] * 57 + [0.5] * 6 + [0.1] * 57, [1] * 60 + [0] * 60)
    contract = Several(contracts=(Recall(at_least=0.9), Specificity(at_least=0.9)))
    with pytest.raises(Unreachable) as caught:
        contract.choose(curve, guide=curve)
    more = caught.value.missing_positives
    assert more is not None
    assert more == caught.value.missing_negatives
    assert str(caught.value) == (
        f"{contract}: cannot be certified. Where recall >= 0.9 with confidence 0.975 is kept, the cases carry"
        f" specificity >= {least(57, 60, 0.975):.4g}. Would do: {more} more positives and {more} more negatives."
    )
    times = 1 + more // 60
    assert contract.choose(curve.grown(times), guide=curve).measured.counts.hits == 57 * times
    with pytest.raises(Unreachable):
        contract.choose(curve.grown(times - 1), guide=curve)


def test_parts_that_contradict_each_other_are_refused_for_good() -> None:
    contract = Several(contracts=(Recall(at_least=0.99), Capacity(at_most=0.01)))
    with pytest.raises(Unreachable) as caught:
        contract.choose(CURVE, guide=GUIDE)
    assert (caught.value.missing_positives, caught.value.missing_negatives) == (None, None)


PRICES = Cost(costs=Costs(miss=4.0), prevalence=0.2)


@pytest.mark.parametrize(
    "other",
    [
        Precision(at_least=0.4, prevalence=0.2),
        NPV(at_least=0.9, prevalence=0.2),
        Recall(at_least=0.6),
        RecallInEveryGroup(at_least=0.6, groups=("sex",)),
    ],
)
def test_a_threshold_that_prices_fix_is_tested_for_all_else_that_is_asked(other: OneThreshold) -> None:
    """Nobody chose it, so each promise is tested there once; the guide and its order are not needed."""
    groups = {"sex=male": drawn(1500, 0.2, seed=3), "sex=female": drawn(1500, 0.2, seed=4)}
    for parts in ((PRICES, other), (other, PRICES)):
        point = Several(contracts=parts).choose(CURVE, guide=GUIDE, groups=groups)
        assert point.threshold == float(np.float32(0.2))
        for certificate in point.certificates:
            group = certificate.promise.group
            cases = CURVE if group is None else groups[group]
            assert certificate.promise.confidence == pytest.approx(0.975)
            assert certificate.certified == certificate.promise.carried(cases.at(0.2))
            assert (certificate.positives, certificate.negatives) == (cases.positive_count, cases.negative_count)


def test_a_threshold_that_prices_fix_may_be_too_low_or_too_high_for_what_else_is_asked() -> None:
    asked = Precision(at_least=0.9, prevalence=0.2)
    contract = Several(contracts=(PRICES, asked))
    with pytest.raises(Unreachable) as caught:
        contract.choose(CURVE, guide=GUIDE)
    (promise,) = asked.held_with(0.975).promises
    assert caught.value.promise == str(promise)
    assert caught.value.nearest == promise.carried(CURVE.at(0.2))
    with pytest.raises(Unreachable) as caught:
        Several(contracts=(PRICES, Cost(costs=Costs(miss=5.0), prevalence=0.2))).choose(CURVE, guide=GUIDE)
    assert caught.value.reason == "The prices of its parts ask for different thresholds, 0.2 and 0.1667."


def test_a_group_that_is_not_known_is_refused_beside_prices_too() -> None:
    contract = Several(contracts=(PRICES, RecallInEveryGroup(at_least=0.6, groups=("town",))))
    with pytest.raises(BadInput, match=r"groups\.0: should be a known subgroup \(none\), got town"):
        contract.choose(CURVE, guide=GUIDE)


@pytest.mark.parametrize(
    ("contracts", "text"),
    [
        (
            (Recall(at_least=0.9), Several(contracts=(Recall(at_least=0.8),))),
            "contracts.1: should not itself be several contracts, got recall >= 0.8, then the fewest alarms",
        ),
        (
            (Recall(at_least=0.9), Recall(at_least=0.8, confidence=0.99)),
            "contracts.1.confidence: should be left to the whole, which holds with confidence 0.95, got 0.99",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(contracts: tuple[Contract, ...], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Several.model_validate({"contracts": contracts})
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


@pytest.mark.parametrize(
    ("text", "contracts", "then"),
    [
        (
            "recall >= 0.9 and specificity >= 0.3",
            (Recall(at_least=0.9), Specificity(at_least=0.3)),
            "the fewest alarms",
        ),
        ("recall >= 0.9, then the most hits", (Recall(at_least=0.9),), "the most hits"),
        (
            'recall >= 0.9 in every "a and b" and flag at most 5 % and then THE FEWEST ALARMS',
            (RecallInEveryGroup(at_least=0.9, groups=("a and b",)), Capacity(at_most=0.05)),
            "the fewest alarms",
        ),
    ],
)
def test_several_are_read_in_words(text: str, contracts: tuple[OneThreshold, ...], then: str) -> None:
    assert Contract.read(text) == Several.model_validate({"contracts": contracts, "then": then})


@pytest.mark.parametrize("text", ["recall >= 0.9 and", "good and cheap", "the best then all", "recall and then luck"])
def test_words_that_are_no_contracts_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^operating_point: should be a contract in words \("):
        Contract.read(text)
