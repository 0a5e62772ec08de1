from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.contract import Contract
from models.contracts.capacity import Capacity
from models.contracts.npv import NPV
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.contracts.rule_in_out import ABOUT, RuleInOut
from models.contracts.specificity import Specificity
from models.curve import Curve
from models.errors import BadInput, Unreachable
from models.plan import Expected
from tests.cases import drawn

CURVE, GUIDE = drawn(3000, 0.2, seed=1, apart=2.0), drawn(1500, 0.2, seed=2, apart=2.0)


def test_each_side_is_certified_alone_at_half_the_risk_and_between_them_nothing_is_decided() -> None:
    contract = RuleInOut(
        rule_in=Precision(at_least=0.7, prevalence=0.2), rule_out=Recall(at_least=0.95), confidence=0.9
    )
    point = contract.choose(CURVE, guide=GUIDE)
    upper = Precision(at_least=0.7, prevalence=0.2, confidence=0.95).choose(CURVE, guide=GUIDE)
    lower = Recall(at_least=0.95, confidence=0.95).choose(CURVE, guide=GUIDE)
    assert (point.threshold, point.clear_below) == (upper.threshold, lower.threshold)
    assert point.has_zone
    assert point.certificates == (*upper.certificates, *lower.certificates)
    assert point.cleared == lower.measured.counts
    assert point.measured == upper.measured
    assert not contract.unmet(CURVE, threshold=point.threshold, clear_below=point.clear_below)
    alone = contract.unmet(CURVE, threshold=point.threshold, clear_below=point.threshold)
    assert [reason.partition(" >=")[0] for reason in alone] == ["recall"]


def test_where_one_threshold_keeps_both_there_is_no_zone_and_most_of_the_sick_are_found() -> None:
    curve = drawn(3000, 0.2, seed=1, apart=6.0)
    contract = RuleInOut(rule_in=Specificity(at_least=0.8), rule_out=Recall(at_least=0.8))
    point = contract.choose(curve, guide=GUIDE)
    assert not point.has_zone
    assert point.threshold == Specificity(at_least=0.8, confidence=0.975).choose(curve, guide=GUIDE).threshold
    assert [each.promise.figure for each in point.certificates] == ["specificity", "recall"]


def test_sides_that_can_only_be_kept_the_wrong_way_round_are_refused() -> None:
    """Sure of the flagged low down, where the sick are dense; of the cleared only above them."""
    scores = [0.2] * 400 + [0.6] * 400
    certification = Curve.of(scores, [1] * 200 + [0] * 200 + [1] * 200 + [0] * 200)
    # The guide sends the one walk downwards from below where it sends the other upwards from.
    guide = Curve.of([0.1] * 30 + [0.5] * 60 + [0.9] * 30, [0] * 15 + [1] * 15 + [1] * 45 + [0] * 15 + [0] * 30)
    contract = RuleInOut(
        rule_in=Precision(at_least=0.3, prevalence=0.5), rule_out=NPV(at_least=0.3, prevalence=0.5), confidence=0.9
    )
    rule_in, rule_out = contract.parts
    upper = rule_in.span(certification, guide=guide, groups={})
    lower = rule_out.span(certification, guide=guide, groups={})
    assert upper.high < lower.low
    with pytest.raises(Unreachable) as caught:
        contract.choose(certification, guide=guide)
    promise = rule_out.promises[0]
    carried = promise.carried(certification.at(upper.high))
    assert str(caught.value) == (
        f"{contract}: cannot be certified. Where {rule_in.promises[0]} is kept, the cases carry"
        f" {promise.worded(carried)}. More cases of the same kind would not help: ask for less, or train a better"
        " model."
    )


@pytest.mark.parametrize(
    ("sides", "text"),
    [
        (
            (Recall(at_least=0.9), Recall(at_least=0.9)),
            f"rule_in: should promise something about {ABOUT['rule_in'][1]}, got recall >= 0.9",
        ),
        (
            (Specificity(at_least=0.9), Capacity(at_most=0.1)),
            "rule_out: should promise something about those cleared: recall or NPV, got flag at most 0.1",
        ),
        (
            (Specificity(at_least=0.9, confidence=0.99), Recall(at_least=0.9)),
            "rule_in.confidence: should be left to the whole, which holds with confidence 0.95, got 0.99",
        ),
    ],
)
def test_sides_that_do_not_fit_are_refused(sides: tuple[Contract, Contract], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RuleInOut.model_validate({"rule_in": sides[0], "rule_out": sides[1]})
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"


def test_a_side_in_words_may_have_no_confidence_of_its_own() -> None:
    text = "rule in with specificity >= 0.9 with confidence 0.9, rule out with recall >= 0.9"
    with pytest.raises(BadInput) as caught:
        Contract.read(text)
    assert str(caught.value) == (
        "operating_point: should name one confidence, at the end, which all parts share, got"
        " 'specificity >= 0.9 with confidence 0.9'."
    )


@pytest.mark.parametrize("joint", [", ", "; ", " and ", ", and "])
def test_the_sides_are_read_however_they_are_joined(joint: str) -> None:
    found = Contract.read(f"rule in at PPV >= 0.9 at prevalence 1 %{joint}rule out at NPV >= 99.9 % at prevalence 1 %")
    assert found == RuleInOut(
        rule_in=Precision(at_least=0.9, prevalence=0.01), rule_out=NPV(at_least=0.999, prevalence=0.01)
    )


def test_it_plans_for_both_sides() -> None:
    plain = RuleInOut(rule_in=Specificity(at_least=0.9), rule_out=Recall(at_least=0.9))
    needs = plain.plan(Expected())
    # Half the risk each: 0.9 ** n <= 0.025 from n = 36 on.
    assert {(need.positives, need.negatives) for need in needs} >= {(36, 0), (0, 36)}
    never = NPV(at_least=0.9999, prevalence=0.3)
    assert (
        RuleInOut(rule_in=Specificity(at_least=0.9), rule_out=never).plan(Expected(recall=0.5, specificity=0.5)) == ()
    )
    assert plain.region(CURVE) == (Specificity(at_least=0.9).region(CURVE) + Recall(at_least=0.9).region(CURVE)) / 2
