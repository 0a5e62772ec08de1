from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.change_control import ChangeControl
from models.contracts.every_group import RecallInEveryGroup
from models.contracts.recall import Recall
from models.contracts.specificity import Specificity
from models.curve import Curve

CURVE = Curve.of([0.1] * 80 + [0.5] * 40 + [0.9] * 80, [0] * 80 + [0, 1] * 20 + [1] * 80)
CONTROL = ChangeControl(lowest=0.2, highest=0.8, criteria=(Recall(at_least=0.9), Specificity(at_least=0.6)))


def against(control: ChangeControl, *, threshold: float, clear_below: float, prevalence: float = 0.1) -> list[str]:
    settings = {"threshold": threshold, "clear_below": clear_below, "prevalence": prevalence}
    return list(control.against(CURVE, **settings, released_at=0.1, groups={"sex=male": CURVE}))


def test_what_was_foreseen_is_not_held_against_a_change() -> None:
    assert against(CONTROL, threshold=0.5, clear_below=0.5) == []


def test_everything_that_was_not_foreseen_is_named_once() -> None:
    assert against(CONTROL, threshold=0.9, clear_below=0.1, prevalence=0.2) == [
        "threshold: should be from 0.2 to 0.8, got 0.9.",
        "clear_below: should be from 0.2 to 0.8, got 0.1.",
        "prevalence: should be from 0.1 to 0.1, got 0.2.",
    ]
    twice = CONTROL.model_copy(update={"criteria": (Recall(at_least=0.95),) * 2})
    found = against(twice, threshold=0.8, clear_below=0.8)
    assert [each.partition(" the cases carry")[0] for each in found] == [
        f"criteria.{place}: should be kept: recall >= 0.95 with confidence 0.95:" for place in (0, 1)
    ]


def test_in_a_zone_recall_is_asked_of_those_cleared_and_specificity_of_those_flagged() -> None:
    assert against(CONTROL, threshold=0.8, clear_below=0.5) == []
    assert [each[:33] for each in against(CONTROL, threshold=0.8, clear_below=0.8)] == [
        "criteria.0: should be kept: recal"
    ]
    assert [each[:33] for each in against(CONTROL, threshold=0.2, clear_below=0.2)] == []


@pytest.mark.parametrize(("prevalence", "foreseen"), [(0.04, False), (0.05, True), (0.3, True), (0.31, False)])
def test_prevalences_may_move_within_their_range_and_the_released_one_always(prevalence: float, foreseen: bool) -> None:  # noqa: FBT001  # the answer
    control = ChangeControl(prevalences=(0.05, 0.3))
    assert (against(control, threshold=0.5, clear_below=0.5, prevalence=prevalence) == []) is foreseen
    elsewhere = ChangeControl(prevalences=(0.5, 0.6))
    assert against(elsewhere, threshold=0.5, clear_below=0.5, prevalence=0.1) == []


def test_groups_are_asked_for_by_name() -> None:
    control = ChangeControl(criteria=(RecallInEveryGroup(at_least=0.95, groups=("sex",)),))
    (reason,) = against(control, threshold=0.8, clear_below=0.8)
    assert reason.startswith("criteria.0: should be kept: recall >= 0.95 in sex=male with confidence 0.95:")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"lowest": 0.6, "highest": 0.5}, "lowest should not be above highest 0.5, got 0.6"),
        ({"prevalences": (0.3, 0.2)}, "prevalences should rise, got 0.3 and 0.2"),
    ],
)
def test_ranges_the_wrong_way_round_are_refused(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ChangeControl.model_validate(fields)
    assert caught.value.errors()[0]["msg"] == f"Value error, {text}"
