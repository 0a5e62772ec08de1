from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import special

from models.contract import Contract
from models.contracts.recall import Recall
from models.errors import BadInput, Unreachable
from models.figures import Figures
from models.manifest import Manifest
from models.turn import Setting, setting_refused, turn
from tests import handmade

EXAMPLES = (
    "should be a contract in words (recall >= 0.95; precision >= 0.9 at prevalence 1 %; a miss costs 50 alarms at"
    " prevalence 0.2 %) or the name of a point (default, sharp, elsewhere, fair)"
)

GROUPS = "eye=left, eye=right, age=18 to under 65, age=65 and more, age=under 18"


@pytest.fixture(scope="module")
def zoned() -> Manifest:
    return handmade.finished("zoned")[1]


@pytest.fixture(scope="module")
def screen() -> Manifest:
    return handmade.finished("screen")[1]


def odds(share: float) -> float:
    return share / (1 - share)


def at(probability: float, here: float, there: float) -> float:
    """By Bayes: the probability `there` of who has `probability` where `here` of the people are sick."""
    moved = odds(probability) * odds(there) / odds(here)
    return moved / (1 + moved)


def test_nothing_asked_is_the_point_as_released(zoned: Manifest) -> None:
    found = turn(zoned, Setting())
    assert (found.threshold, found.clear_below) == (zoned.point.threshold, zoned.point.clear_below)
    assert found.own == (zoned.point.threshold, zoned.point.clear_below)
    assert (found.prevalence, found.contract) == (zoned.prevalence, str(zoned.contract))
    assert found.certificates == zoned.point.certificates
    assert found.against == ()


@pytest.mark.parametrize("name", ["sharp", "elsewhere", "fair"])
def test_a_name_is_the_point_that_is_called_so_at_the_prevalence_of_its_promise(zoned: Manifest, name: str) -> None:
    (point,) = [each for each in zoned.points if each.name == name]
    found = turn(zoned, Setting(operating_point=f" {name} "))
    assert found.own == (point.threshold, point.clear_below)
    assert found.prevalence == (point.prevalence or zoned.prevalence)
    assert found.threshold == pytest.approx(at(point.threshold, zoned.prevalence, found.prevalence), rel=1e-4)
    assert found.certificates == point.certificates
    assert found.contract == point.in_words


def test_a_contract_in_words_and_by_its_fields_is_solved_from_the_curve_of_the_bundle(zoned: Manifest) -> None:
    asked = Contract.read("recall >= 0.95")
    wanted = asked.choose(zoned.curve, guide=zoned.curve)
    for each in (asked, "recall >= 0.95", {"kind": "Recall", "at_least": 0.95}):
        found = turn(zoned, Setting.model_validate({"operating_point": each}))
        assert found.threshold == found.clear_below == wanted.threshold
        assert found.certificates == wanted.certificates
        assert found.contract == "recall >= 0.95 with confidence 0.95"
    groups = turn(zoned, Setting(operating_point="recall >= 0.8 in every eye"))
    assert [each.promise.group for each in groups.certificates] == ["eye=left", "eye=right"]


def test_a_threshold_by_hand_promises_nothing_and_is_counted_on_the_scale_of_the_curve(zoned: Manifest) -> None:
    found = turn(zoned, Setting(operating_point=0.3, prevalence=0.05))
    assert found.threshold == found.clear_below == float(np.float32(0.3))
    assert (found.contract, found.certificates) == (None, ())
    assert found.own[0] == pytest.approx(at(0.3, 0.05, zoned.prevalence), rel=1e-4)
    assert turn(zoned, Setting(operating_point=0.3)).own[0] == float(np.float32(0.3))


def test_in_a_zone_each_limit_goes_with_its_own_promise_to_another_prevalence(zoned: Manifest) -> None:
    """The recall of those cleared is kept; what was a precise threshold stays on its scale and promises nothing."""
    found = turn(zoned, Setting(prevalence=0.05))
    assert [each.promise.figure for each in found.certificates] == ["recall"]
    assert found.clear_below == pytest.approx(at(zoned.point.clear_below, zoned.prevalence, 0.05), rel=1e-4)
    assert zoned.curve.at(found.own[1]) == zoned.point.cleared
    assert found.threshold == zoned.point.threshold
    assert found.own[0] == pytest.approx(at(zoned.point.threshold, 0.05, zoned.prevalence), rel=1e-4)
    # Where many are sick, the precise threshold stands below the other: then all that is not cleared is flagged.
    many = turn(zoned, Setting(prevalence=0.97))
    assert many.own[1] <= many.own[0]


def test_room_for_people_as_they_come_is_promised_where_they_come_so_only(screen: Manifest) -> None:
    asked = "flag at most 0.3"
    assert [each.promise.figure for each in turn(screen, Setting(operating_point=asked)).certificates] == ["flagged"]
    elsewhere = turn(screen, Setting(operating_point=asked, prevalence=0.5))
    assert elsewhere.certificates == ()
    # The same people are flagged all the same.
    assert screen.curve.at(elsewhere.own[0]) == screen.curve.at(turn(screen, Setting(operating_point=asked)).own[0])


def test_room_for_people_as_they_come_is_not_promised_at_the_prevalence_of_the_bundle(zoned: Manifest) -> None:
    """The bundle states its probabilities where 0.2 are sick, but of its cases 0.594 are."""
    asked, share = "flag at most 0.3", zoned.curve.positive_count / len(handmade.certification()[1])
    assert (zoned.prevalence, share) == (0.2, 0.594)
    found = {
        prevalence: len(turn(zoned, Setting(operating_point=asked, prevalence=prevalence)).certificates)
        for prevalence in (None, 0.2, share)
    }
    assert found == {None: 1, 0.2: 0, share: 1}


def test_of_two_promises_the_one_at_another_prevalence_is_not_given(screen: Manifest) -> None:
    text = "recall >= 0.8 and precision >= 0.3 at prevalence 0.2"
    found = turn(screen, Setting(operating_point=text))
    assert found.prevalence == 0.2
    assert [each.promise.figure for each in found.certificates] == ["recall", "precision"]


def test_figures_are_those_of_the_certification_cases_at_the_prevalence(zoned: Manifest) -> None:
    found = turn(zoned, Setting(prevalence=0.05))
    counts, below = zoned.curve.at(found.own[0]), zoned.curve.at(found.own[1])
    assert found.figures == Figures.of(counts, prevalence=0.05, below=below, threshold=found.threshold)
    plain = turn(zoned, Setting(operating_point="sharp"))
    assert plain.figures == Figures.of(zoned.curve.at(plain.own[0]), prevalence=0.2, threshold=plain.threshold)


def test_why_a_setting_may_not_become_the_live_point_is_said(zoned: Manifest, screen: Manifest) -> None:
    assert turn(screen, Setting()).against == ("The bundle foresees no change after its release.",)
    found = turn(zoned, Setting(operating_point=0.995, prevalence=0.5)).against
    # Limits are on the bundle's own scale.
    own = turn(zoned, Setting(operating_point=0.995, prevalence=0.5)).own[0]
    assert own < 0.99
    assert found[0] == "prevalence: should be from 0.05 to 0.4, got 0.5."
    assert found[1].startswith("criteria.0: should be kept: recall >= 0.8 with confidence 0.95: the cases carry recall")


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"operating_point": "careful"}, f"operating_point: {EXAMPLES}, got 'careful'."),
        (
            {"operating_point": "recall >= 2"},
            "operating_point.at_least: should be less than 1, got 'recall >= 2'.",
        ),
        (
            {"operating_point": "precision >= 0.3 at prevalence 0.05", "prevalence": 0.1},
            "prevalence: should be that of the contract, 0.05, or be left out, got 0.1.",
        ),
        (
            {"operating_point": "recall >= 0.8 in every town"},
            f"groups.0: should be a known subgroup ({GROUPS}), got town.",
        ),
        ({"prevalence": 1e-60}, "prevalence: should be a share between 0 and 1, got 1e-60."),
    ],
)  # fmt: skip
def test_a_setting_that_can_not_be_is_refused_by_name(zoned: Manifest, setting: dict[str, object], text: str) -> None:
    with pytest.raises(BadInput) as caught:
        turn(zoned, Setting.model_validate(setting))
    assert str(caught.value) == text


def test_what_the_cases_do_not_carry_is_unreachable(zoned: Manifest) -> None:
    with pytest.raises(Unreachable, match=r"^recall >= 0\.9999 with confidence 0\.95: cannot be certified"):
        turn(zoned, Setting(operating_point="recall >= 0.9999"))


@pytest.mark.parametrize(
    "asked", ["recall >= 0.9", "precision >= 0.3 at prevalence 0.2", "NPV >= 0.9 at prevalence 0.2"]
)
def test_a_bundle_without_a_guide_solves_every_contract_by_its_scores(zoned: Manifest, asked: str) -> None:
    bare = zoned.model_copy(update={"guide": None})
    found = turn(bare, Setting(operating_point=asked))
    point = Contract.read(asked).choose(bare.curve, guide=None)
    assert (found.own[0], found.certificates) == (point.threshold, point.certificates)


@pytest.mark.parametrize(
    ("told", "found"),
    [("0.25", 0.25), (0.25, 0.25), ("careful", "careful"), (None, None), (Recall(at_least=0.9), Recall(at_least=0.9))],
)
def test_a_number_that_a_person_writes_is_a_threshold(told: object, found: object) -> None:
    assert Setting.told(told).operating_point == found  # type: ignore[arg-type]  # one of them


def test_what_a_person_writes_wrong_is_named_all_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        Setting.told("1.5", prevalence=2.0)
    assert str(caught.value) == (
        "operating_point: should be a name, a threshold from 0 to 1 or a contract, got 1.5.\n"
        "prevalence: should be a share between 0 and 1, got 2.0."
    )
    with pytest.raises(ValidationError) as wrong:
        Setting.model_validate({"operating_point": True, "color": "red"})
    assert [refusal.path for refusal in setting_refused(wrong.value)] == ["operating_point"]


@pytest.mark.parametrize("prevalence", [1e-6, 0.01, 0.5, 0.999])
def test_a_restated_threshold_loses_nobody_and_hardly_moves(screen: Manifest, prevalence: float) -> None:
    found = turn(screen, Setting(prevalence=prevalence))
    exact = at(found.own[0], screen.prevalence, prevalence)
    # A millionth of the probability, twice, is more on the logit where the probability is near 1.
    assert 0 < special.logit(exact) - special.logit(found.threshold) < 5e-5 + 2e-6 / (1 - exact)
