from __future__ import annotations

import pytest

from models.conservative import at_prevalence, conservative, least_to_spare
from models.contract import Contract
from models.contracts.cost import Cost
from models.costs import Costs
from models.curve import Curve
from models.likelihood_ratio import NotIdentified

LOW, HIGH = 0.050001, 0.1


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("recall >= 0.9", ["recall >= 0.9"]),
        ("specificity >= 0.9", ["specificity >= 0.9"]),
        ("recall >= 0.9 in every sex", ["recall >= 0.9 in every sex"]),
        ("precision >= 0.8 at prevalence 0.2", ["precision >= 0.8 at prevalence 0.05"]),
        ("NPV >= 0.99 at prevalence 0.2", ["NPV >= 0.99 at prevalence 0.1"]),
        ("flag at most 0.1 at prevalence 0.2", ["flag at most 0.1 at prevalence 0.1"]),
        ("flag at most 0.1", ["flag at most 0.1 at prevalence 0.1"]),
        (
            "a miss costs 5.0 alarms at prevalence 0.2",
            ["a miss costs 5.0 alarms at prevalence 0.05", "a miss costs 5.0 alarms at prevalence 0.1"],
        ),
        (
            "recall >= 0.9 and NPV >= 0.99 at prevalence 0.2, then the most hits",
            ["recall >= 0.9 and NPV >= 0.99 at prevalence 0.1, then the most hits"],
        ),
        (
            "rule in with precision >= 0.8 at prevalence 0.2, rule out with NPV >= 0.99 at prevalence 0.2",
            ["rule in with precision >= 0.8 at prevalence 0.05, rule out with NPV >= 0.99 at prevalence 0.1"],
        ),
    ],
)
def test_every_contract_is_asked_where_it_asks_most(text: str, asked: list[str]) -> None:
    found = conservative(Contract.read(text), LOW, HIGH)
    assert [contract.words for contract in found] == asked
    assert [Contract.read(str(contract)) for contract in found] == list(found)


def test_ends_are_rounded_outwards() -> None:
    (precision,) = conservative(Contract.read("precision >= 0.8 at prevalence 0.2"), 0.0123456, 0.5)
    (npv,) = conservative(Contract.read("NPV >= 0.8 at prevalence 0.2"), 0.01, 0.0123411)
    assert (precision.prevalence_named, npv.prevalence_named) == (0.01234, 0.01235)


@pytest.mark.parametrize(("text", "low", "end"), [("precision >= 0.8", 0.0, "0"), ("NPV >= 0.8", 0.5, "1")])
def test_an_end_of_everybody_or_nobody_is_refused(text: str, low: float, end: str) -> None:
    with pytest.raises(NotIdentified) as error:
        conservative(Contract.read(f"{text} at prevalence 0.2"), low, 1.0)
    assert str(error.value) == (
        f"prevalence: should be known to lie above 0 and below 1 for {text} at prevalence 0.2,"
        f" got an interval that reaches {end}."
    )
    # A promise that does not depend on it does not care.
    assert conservative(Contract.read("recall >= 0.9"), low, 1.0) == (Contract.read("recall >= 0.9"),)


def test_a_prevalence_is_replaced_only_where_one_is_named() -> None:
    assert at_prevalence(Contract.read("flag at most 0.1"), 0.3) == Contract.read("flag at most 0.1")
    assert at_prevalence(Contract.read("flag at most 0.1 at prevalence 0.2"), 0.3).prevalence_named == 0.3


def test_the_dearest_point_is_the_one_nearest_to_its_price() -> None:
    curve = Curve.of([0.01] * 900 + [0.9] * 100, [0] * 890 + [1] * 10 + [1] * 90 + [0] * 10, prevalence=0.1)
    points = [
        Cost(costs=Costs(miss=5.0), prevalence=0.1, at_most=most).choose(curve, guide=curve) for most in (9.0, 0.4, 2.0)
    ]
    assert least_to_spare(points) == 1
    recall = Contract.read("recall >= 0.8").choose(curve, guide=curve)
    assert least_to_spare([recall, recall]) == 0
