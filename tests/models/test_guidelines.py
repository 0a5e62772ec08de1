from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from models.bundle import open_bundle
from models.facts.facts import Facts
from models.guidelines.every import EVERY_GUIDELINE
from models.guidelines.guideline import Answered, Guideline, Item, answered, said
from models.guidelines.hti_1 import HTI_1
from models.guidelines.stard import STARD
from models.guidelines.tripod_ai import TRIPOD_AI
from models.manifest import Manifest, Release
from models.report.report import Report, sections
from tests import handmade
from tests.crossed import crossed

ROOT = Path(__file__).parents[2]
EVERY = pytest.mark.parametrize("guideline", EVERY_GUIDELINE, ids=lambda guideline: guideline.name)


@cache
def manifest() -> Manifest:
    return open_bundle(ROOT / "models/covid/screen").manifest


@cache
def facts() -> Facts:
    return Facts.of(manifest())


def states(found: Answered) -> dict[str, str]:
    return {answer.number: answer.state for answer in found.answers}


def test_every_item_of_the_guidelines_is_there() -> None:
    # 27 items of TRIPOD+AI in 52 parts, 30 of STARD in 34, and the 31 source attributes of HTI-1.
    assert [len(guideline.items) for guideline in (TRIPOD_AI, STARD, HTI_1)] == [52, 34, 31]
    numbers = [{int("".join(filter(str.isdigit, item.number))) for item in one.items} for one in (TRIPOD_AI, STARD)]
    assert numbers == [set(range(1, 28)), set(range(1, 31))]
    subitems = [sum(item.number.startswith(f"{number}.") for item in HTI_1.items) for number in range(1, 10)]
    assert subitems == [4, 4, 2, 4, 2, 4, 5, 4, 2]


@EVERY
def test_every_item_has_a_number_of_its_own_and_says_why_where_it_is_not_filled(guideline: Guideline) -> None:
    numbers = [item.number for item in guideline.items]
    assert len(set(numbers)) == len(numbers)
    for answer in answered(guideline, facts()).answers:
        assert bool(answer.why) == (answer.state != "filled")
        assert bool(answer.where) == bool(answer.section) == (answer.state == "filled")


@EVERY
def test_every_path_and_section_is_there(guideline: Guideline) -> None:
    bundle = open_bundle(ROOT / "models/covid/screen")
    anchors = {section.anchor for section in sections(Report.of(bundle))}
    for item in guideline.items:
        for path in (*item.answered_by, *filter(None, [item.only_if])):
            said(facts(), path)  # raises if there is no such path
        assert bool(item.section) == bool(item.answered_by)
        assert item.section in {"", *anchors}
        assert bool(item.only_if) == bool(item.else_not)


def test_a_path_that_is_not_there_is_an_error_and_never_an_unfilled_item() -> None:
    with pytest.raises(AttributeError):
        said(facts(), "use.purpoes")


@EVERY
def test_the_share_is_counted_from_the_answers(guideline: Guideline) -> None:
    found = answered(guideline, facts())
    filled = list(states(found).values()).count("filled")
    applicable = len(found.answers) - list(states(found).values()).count("not applicable")
    assert (found.filled, found.applicable, found.share) == (filled, applicable, filled / applicable)
    assert 0 < found.share < 1
    assert Answered.model_validate_json(found.model_dump_json()) == found


@EVERY
def test_no_item_stays_filled_once_a_fact_that_answers_it_is_gone(guideline: Guideline) -> None:
    for item in guideline.items:
        for path in item.answered_by:
            if not said(facts(), path) or path.split(".")[0] in {"shown", "promised_groups"}:
                continue
            found = answered(Guideline(name="", about="", source="", items=(item,)), without(facts(), path.split(".")))
            assert found.answers[0].state != "filled", path


def without(value: Facts, path: list[str]) -> Facts:
    """The facts with an empty tuple at a path."""
    inner = getattr(value, path[0])
    empty = () if len(path) == 1 else without(inner, path[1:])
    return value.model_copy(update={path[0]: empty})


def test_a_bundle_that_holds_little_fills_little() -> None:
    bare = Facts.of(handmade.finished()[1])
    for guideline in EVERY_GUIDELINE:
        assert answered(guideline, bare).share < answered(guideline, facts()).share
    assert states(answered(HTI_1, bare))["7.i"] == "not filled"
    assert states(answered(HTI_1, facts()))["7.i"] == "filled"


def test_an_item_applies_only_where_there_is_something_to_tell() -> None:
    tripod = states(answered(TRIPOD_AI, facts()))
    assert (tripod["13"], tripod["24"]) == ("filled", "not applicable")
    bare = answered(TRIPOD_AI, Facts.of(handmade.finished()[1]))
    assert states(bare)["13"] == "not applicable"
    (thirteen,) = [answer for answer in bare.answers if answer.number == "13"]
    assert thirteen.why == "Neither weights nor sampling changed the balance of the kinds."


def test_a_point_certified_anew_at_a_site_fills_the_items_about_updating_and_local_data() -> None:
    release = Release(
        version=1, bundle="0" * 64, site="ward", reason="moved", threshold=0.5, clear_below=0.5, prevalence=0.1,
        promised="recall >= 0.9",
    )  # fmt: skip
    tuned = Facts.of(manifest().model_copy(update={"version": 2, "history": (release,)}))
    assert states(answered(TRIPOD_AI, tuned))["24"] == "filled"
    assert states(answered(HTI_1, tuned))["8.ii"] == "filled"
    assert states(answered(HTI_1, facts()))["8.ii"] == "not filled"


def test_an_item_that_nothing_can_answer_is_never_filled() -> None:
    item = Item(number="1", asks="Something else")
    found = answered(Guideline(name="a", about="b", source="c", items=(item,)), facts())
    assert (found.answers[0].state, found.answers[0].why) == ("not filled", "The study does not tell.")


def test_answers_about_taking_data_apart_say_cross_fitting_where_it_is_so() -> None:
    made = Facts.of(crossed())
    found = {
        guideline.name: {answer.number: answer for answer in answered(guideline, made).answers}
        for guideline in EVERY_GUIDELINE
    }
    tripod, stard, hti = (found[guideline.name] for guideline in EVERY_GUIDELINE)
    assert (tripod["12a"].state, tripod["12a"].remark) == (
        "filled",
        "By cross-fitting: every case taught, and is certified on by copies of the model that never saw it.",
    )
    assert tripod["12c"].remark == "Internal validation is by cross-fitting."
    assert (
        tripod["21"].remark
        == "By cross-fitting the certification cases are among those of training: parts do not add up."
    )
    assert tripod["16"].why == (
        "By cross-fitting the cases of development are those that are certified on; of a test part, if there is one,"
        " dates and share of sick are told."
    )
    assert tripod["20a"].why == stard["19"].why != ""
    assert "Cases that taught and were certified on" in stard["19"].why
    assert stard["14"].remark == "Certification cases are scored by cross-fitting."
    assert hti["4.i"].why == "That every case taught, by cross-fitting, is told; who came into the table is not."
    assert hti["4.iii"].why == (
        "By cross-fitting the cases whose subgroups are counted taught too; whom they represent is not told."
    )
    assert hti["7.i"].why == "The bundle has no test part: what it was measured on by cross-fitting taught too."
    assert "cross-fitting taught too), or the study names no subgroups." in hti["7.ii"].why


def test_answers_of_other_models_do_not_speak_of_cross_fitting() -> None:
    at_a_site = Facts.of(crossed().model_copy(update={"cross_fitted": None}))
    for made in (facts(), Facts.of(handmade.finished()[1]), at_a_site):
        for guideline in EVERY_GUIDELINE:
            for answer in answered(guideline, made).answers:
                assert "cross-fitting" not in f"{answer.why} {answer.remark}"
                assert "remark" not in answer.model_dump()
