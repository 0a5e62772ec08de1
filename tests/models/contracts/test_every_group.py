from __future__ import annotations

import pytest

from models.contract import Contract
from models.contracts.every_group import RecallInEveryGroup
from models.contracts.recall import Recall
from models.curve import Curve
from models.errors import BadInput, Unreachable
from models.plan import Expected
from tests.cases import drawn

GROUPS = {
    "sex=male": drawn(1500, 0.2, seed=1, apart=3.2),
    "sex=female": drawn(900, 0.2, seed=2, apart=2.2),
    "sexes=other": drawn(900, 0.2, seed=3, apart=0.5),
    "age=65 and more": drawn(900, 0.2, seed=4, apart=1.2),
}
WHOLE = drawn(100, 0.2, seed=5)


@pytest.mark.parametrize(
    ("groups", "meant"),
    [
        (("sex",), ["sex=male", "sex=female"]),
        (("sex=male",), ["sex=male"]),
        (("age=65 and more", "sex"), ["age=65 and more", "sex=male", "sex=female"]),
        (("sex=female", "sex"), ["sex=female", "sex=male"]),
    ],
)
def test_the_threshold_is_the_lowest_of_the_groups_own_each_with_all_the_risk(
    groups: tuple[str, ...], meant: list[str]
) -> None:
    contract = RecallInEveryGroup(at_least=0.85, groups=groups, confidence=0.9)
    point = contract.choose(WHOLE, guide=WHOLE, groups=GROUPS)
    alone = Recall(at_least=0.85, confidence=0.9)
    points = [alone.choose(GROUPS[name], guide=WHOLE) for name in meant]
    assert point.threshold == min(each.threshold for each in points)
    assert [each.promise.group for each in point.certificates] == meant
    assert [each.certified for each in point.certificates] == [each.certificates[0].certified for each in points]
    assert {each.promise.confidence for each in point.certificates} == {0.9}


def test_a_group_that_is_not_known_is_refused_by_its_place() -> None:
    with pytest.raises(BadInput) as caught:
        RecallInEveryGroup(at_least=0.8, groups=("sex", "town")).choose(WHOLE, guide=WHOLE, groups=GROUPS)
    known = "sex=male, sex=female, sexes=other, age=65 and more"
    assert str(caught.value) == f"groups.1: should be a known subgroup ({known}), got town."
    with pytest.raises(BadInput) as caught:
        RecallInEveryGroup(at_least=0.8, groups=("sex",)).choose(WHOLE, guide=WHOLE)
    assert str(caught.value) == "groups.0: should be a known subgroup (none), got sex."


def test_a_group_with_too_few_of_the_sick_is_named() -> None:
    few = Curve.of([0.9] * 10 + [0.1] * 40, [1] * 10 + [0] * 40)
    with pytest.raises(Unreachable) as caught:
        RecallInEveryGroup(at_least=0.8, groups=("sex",)).choose(
            WHOLE, guide=WHOLE, groups={**GROUPS, "sex=female": few}
        )
    assert str(caught.value) == (
        "recall >= 0.8 in sex=female with confidence 0.95: cannot be certified. In sex=female, 10 positives carry"
        " recall 0.7411 at most, even if all are flagged. Would do: 4 more positives."
    )
    assert caught.value.nearest == pytest.approx(0.05 ** (1 / 10))


def test_at_fixed_thresholds_each_group_that_misses_too_many_is_named() -> None:
    contract = RecallInEveryGroup(at_least=0.85, groups=("sex", "town"))
    threshold = (
        contract.model_copy(update={"groups": ("sex=male",)}).choose(WHOLE, guide=WHOLE, groups=GROUPS).threshold
    )
    told = contract.unmet(WHOLE, threshold=threshold, clear_below=threshold, groups=GROUPS)
    assert told[0].startswith("recall >= 0.85 in sex=female with confidence 0.95: the cases carry recall >= 0.")
    assert told[1:] == ("recall >= 0.85 in town with confidence 0.95: the bundle holds no cases of town",)
    assert contract.unmet(WHOLE, threshold=threshold, clear_below=threshold) == (
        "recall >= 0.85 in sex with confidence 0.95: the bundle holds no cases of sex",
        "recall >= 0.85 in town with confidence 0.95: the bundle holds no cases of town",
    )


def test_in_a_zone_those_cleared_are_looked_at() -> None:
    contract = RecallInEveryGroup(at_least=0.85, groups=("sex",))
    low = contract.choose(WHOLE, guide=WHOLE, groups=GROUPS).threshold
    assert contract.unmet(WHOLE, threshold=0.99, clear_below=low, groups=GROUPS) == ()
    assert contract.unmet(WHOLE, threshold=0.99, clear_below=0.99, groups=GROUPS) != ()


def test_each_group_needs_cases_of_its_own() -> None:
    contract = RecallInEveryGroup(at_least=0.95, groups=("sex=male", "age"))
    needs = contract.plan(Expected())
    assert [need.positives for need in needs[:2]] == [59, 93]
    assert {need.promise for need in needs} == {str(promise) for promise in contract.promises}
    assert len(needs) == 2 * len(Recall(at_least=0.95).plan(Expected()))


def test_training_sees_no_subgroups() -> None:
    contract = RecallInEveryGroup(at_least=0.9, groups=("sex",))
    assert contract.region(WHOLE) == Recall(at_least=0.9).region(WHOLE)


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("sensitivity of at least 90 % in every sex", ("sex",)),
        ('recall >= 0.9 in every group of sex, "age=65 and more"', ("sex", "age=65 and more")),
        ('recall >= 0.9 in every sex , eye=left,"a ""b"""', ("sex", "eye=left", 'a "b"')),
    ],
)
def test_names_of_groups_are_read_with_or_without_quotes(text: str, groups: tuple[str, ...]) -> None:
    assert Contract.read(text) == RecallInEveryGroup(at_least=0.9, groups=groups)
