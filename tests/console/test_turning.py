"""Turning the point: whatever is turned, the page shows what the service answers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.visiting import Console, Visit, percents

Open = Callable[..., Visit]


def shown(visit: Visit) -> dict[str, float]:
    terms = {"recall": "recall, sensitivity", "specificity": "specificity", "precision": "precision, PPV", "npv": "NPV"}
    return {name: percents(visit.figure(term))[0] for name, term in terms.items()}


def measured(turned: dict[str, Any]) -> dict[str, Any]:
    names = ("recall", "specificity", "precision", "npv")
    return {name: pytest.approx(turned["figures"][name]["value"], abs=6e-4) for name in names}


def test_the_page_opens_at_the_live_point_of_the_screen(console: Console, visit: Open) -> None:
    seen = visit(console)
    live = console.get("operating-points/screen")
    assert shown(seen) == measured(live["turned"])
    assert percents(seen.find("#live-facts").inner_text())[0] == pytest.approx(live["turned"]["threshold"], rel=1e-2)


def stops(facts: dict[str, Any]) -> list[float]:
    """Where on the slider each threshold should lie: halfway between even steps and even changes of people."""
    hits, alarms, cases = facts["curve"]["hits"], facts["curve"]["alarms"], facts["certification"]
    people = [0.0]
    for place in range(1, len(hits)):
        sick = (hits[place - 1] - hits[place]) / cases["positives"]
        healthy = (alarms[place - 1] - alarms[place]) / cases["negatives"]
        people.append(people[-1] + sick + healthy)
    return [500 * place / (len(hits) - 1) + 500 * moved / people[-1] for place, moved in enumerate(people)]


def test_a_key_moves_the_slider_by_one_threshold_however_many_people_change_sides(
    console: Console, visit: Open
) -> None:
    seen = visit(console)
    facts = console.get("models/screen")
    thresholds, expected_at = facts["curve"]["thresholds"], stops(facts)
    slider = seen.find("#slider")
    slider.press("Home")
    for key, place in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowUp", 3), ("ArrowLeft", 2)):
        slider.press(key)
        between = (thresholds[place - 1] + thresholds[place]) / 2
        expected = console.preview("screen", between)["turned"]
        seen.shows("#promise", "only measured")
        expect(seen.find("#threshold")).to_have_value(f"{100 * between:.5g}")
        assert float(slider.input_value()) == pytest.approx(expected_at[place], abs=1)
        assert shown(seen) == measured(expected)
    slider.press("End")
    seen.shows("#verdict", re.compile(r"9\d\.\d"))
    slider.press("ArrowRight")
    assert slider.input_value() == "1000"


def test_every_threshold_has_a_place_of_its_own_on_the_slider_and_the_useful_ones_have_room(
    console: Console, visit: Open
) -> None:
    seen = visit(console)
    facts = console.get("models/screen")
    slider = seen.find("#slider")
    slider.press("Home")
    reached = [int(slider.input_value())]
    for _ in facts["curve"]["thresholds"][1:]:
        slider.press("ArrowRight")
        reached.append(int(slider.input_value()))
    assert reached == pytest.approx(stops(facts), abs=1)
    assert all(before < after for before, after in itertools.pairwise(reached))
    # The thresholds at which most people change sides are a few of many, and would else be a few pixels of the track.
    most = max(
        place for place, hits in enumerate(facts["curve"]["hits"]) if hits > facts["certification"]["positives"] / 2
    )
    assert most / len(reached) < 0.2
    assert reached[most] > 400


def test_under_a_finger_the_slider_goes_where_the_finger_is_and_comes_to_rest_on_a_threshold(
    console: Console, visit: Open
) -> None:
    seen = visit(console)
    facts = console.get("models/screen")
    slider, mouse = seen.find("#slider"), seen.page.mouse
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    mouse.move(box["x"] + 10, middle)
    mouse.down()
    for share in (0.3, 0.5, 0.7):
        mouse.move(box["x"] + share * box["width"], middle)
        assert float(slider.input_value()) == pytest.approx(1000 * share, abs=15)
    mouse.up()
    along = stops(facts)
    resting = float(slider.input_value())
    assert resting == pytest.approx(700, abs=15)
    place = min(range(len(along)), key=lambda at: abs(along[at] - resting))
    assert resting == pytest.approx(along[place], abs=1)
    between = (facts["curve"]["thresholds"][place - 1] + facts["curve"]["thresholds"][place]) / 2
    expect(seen.find("#threshold")).to_have_value(f"{100 * between:.5g}", timeout=30_000)
    assert shown(seen) == measured(console.preview("screen", between)["turned"])


def test_many_turns_at_once_are_asked_once(console: Console, visit: Open) -> None:
    seen = visit(console)
    before = len(seen.sent("/preview"))
    seen.page.evaluate(
        """() => {
            const slider = document.querySelector("#slider");
            for (let value = 50; value <= 600; value += 10) {
                slider.value = value;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )
    seen.shows("#promise", "only measured")
    facts = console.get("models/screen")
    thresholds = facts["curve"]["thresholds"]
    resting = float(seen.find("#slider").input_value())
    assert resting == pytest.approx(600, abs=8)
    along = stops(facts)
    place = min(range(len(along)), key=lambda at: abs(along[at] - resting))
    assert seen.sent("/preview")[before:] == [
        {"operating_point": pytest.approx((thresholds[place - 1] + thresholds[place]) / 2), "prevalence": None}
    ]


def test_a_typed_threshold_promises_nothing_and_says_what_is_given_up(console: Console, visit: Open) -> None:
    seen = visit(console, "presurgical")
    seen.find("#threshold").fill("30")
    seen.shows("#verdict", "30\u202f%")
    seen.shows("#promise", "Nothing is promised for this threshold, only measured.")
    promised = console.get("operating-points/presurgical")["turned"]["certificates"][0]["at_least"]
    seen.shows("#promise .lost", f"At least {100 * promised:g}\u202f%")
    seen.shows("#trial", "A trial, not live")
    assert shown(seen) == measured(console.preview("presurgical", 0.3)["turned"])


def test_prevalence_changes_what_a_flag_is_worth_and_nobody_who_is_flagged(console: Console, visit: Open) -> None:
    seen = visit(console)
    slider = seen.find("#slider")
    slider.press("PageUp")
    seen.shows("#promise", "only measured")
    before, place = shown(seen), slider.input_value()
    seen.find("#prevalence").fill("2")
    seen.shows("#people-sentence", "prevalence 2\u202f%")
    after = shown(seen)
    assert (after["recall"], after["specificity"]) == (before["recall"], before["specificity"])
    assert after["precision"] < before["precision"]
    assert slider.input_value() == place
    asked = seen.sent("/preview")[-1]
    assert asked["prevalence"] == 0.02
    assert after == measured(console.preview("screen", **asked)["turned"])


CONTRACTS = {
    "recall": (["93"], "recall >= 0.93", "At least 93\u202f% of the sick are found"),
    "specificity": (["90"], "specificity >= 0.9", "At least 90\u202f% of the healthy are cleared"),
    "precision": (["60"], "precision >= 0.6 at prevalence 0.05", "At least 60\u202f% of the flagged are really sick"),
    "npv": (["99"], "NPV >= 0.99 at prevalence 0.05", "At least 99\u202f% of the cleared are really healthy"),
    "cost": (["10"], "miss costs 10 alarms at prevalence 0.05", "ost per person"),
    "capacity": (["200"], "flagged <= 200 per 1000 at prevalence 0.05", "At most 20\u202f% of all people are flagged"),
    "zone": (
        ["97", "90"],
        "rule in specificity >= 0.97, rule out recall >= 0.9",
        "At least 90\u202f% of the sick are not cleared",
    ),
}


@pytest.mark.parametrize("kind", CONTRACTS)
def test_every_contract_field_asks_for_its_contract(console: Console, visit: Open, kind: str) -> None:
    fields, words, promised = CONTRACTS[kind]
    seen = visit(console)
    seen.find("#prevalence").fill("5")
    seen.shows("#people-sentence", "prevalence 5\u202f%")
    seen.find("#kind").select_option(kind)
    for place, value in enumerate(fields):
        seen.find(f"#kind-field-{place}").fill(value)
    expect(seen.find("#words")).to_have_value(words)
    seen.shows("#promise", promised)
    assert seen.sent("/preview")[-1] == {"operating_point": words, "prevalence": 0.05}
    assert shown(seen) == measured(console.preview("screen", words, 0.05)["turned"])


def test_a_contract_at_a_prevalence_follows_the_prevalence(console: Console, visit: Open) -> None:
    seen = visit(console, "presurgical")
    seen.find("#kind").select_option("precision")
    expect(seen.find("#words")).to_have_value("precision >= 0.8 at prevalence 0.08")
    seen.find("#prevalence").fill("10")
    expect(seen.find("#words")).to_have_value("precision >= 0.8 at prevalence 0.1")
    seen.shows("#promise", "where 10\u202f% of people are sick")
    seen.find("#kind").select_option("hand")
    seen.shows("#promise", "only measured")
    expect(seen.find("#words")).to_have_value("")


def test_a_contract_can_be_said_in_own_words(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.words("sensitivity of at least 94 % with confidence 90 %")
    seen.shows("#promise", "At least 94\u202f% of the sick are found (recall), with 90\u202f% certainty.")
    expect(seen.find("#kind")).to_have_value("own")


def test_a_point_of_the_bundle_can_be_chosen_by_its_name(console: Console, visit: Open) -> None:
    seen = visit(console)
    point = console.get("models/screen")["points"][-1]
    seen.find("#kind").select_option(f"point:{point['name']}")
    expect(seen.find("#threshold")).to_have_value(f"{100 * point['threshold']:.5g}")
    assert seen.sent("/preview")[-1]["operating_point"] == point["name"]


def test_a_contract_that_cannot_be_had_says_how_near_it_came_and_keeps_the_last_figures(
    console: Console, visit: Open
) -> None:
    seen = visit(console)
    before = shown(seen)
    seen.foresee(422)
    seen.words("recall >= 0.9999")
    seen.shows("#refusal", "This cannot be had")
    seen.shows("#refusal", re.compile("carry recall of 99\\.\\d+\u202f% at most"))
    seen.shows("#refusal", re.compile(r"It would take \d\d,\d\d\d more sick people with a known answer\."))
    expect(seen.find("#words")).to_have_attribute("aria-invalid", "true")
    seen.shows("#refusal", "still those of the last point that could")
    assert shown(seen) == before
    seen.button("Make this live").click()
    expect(seen.find("#change")).not_to_be_visible()
    seen.words("recall of much")
    seen.shows(
        "#refusal", "These words are not understood: 'recall of much'. Write, for example, “recall of at least 95 %”"
    )
    seen.find("#threshold").fill("3")
    expect(seen.find("#refusal")).to_be_empty()
    expect(seen.find("#words")).not_to_have_attribute("aria-invalid", "true")


def test_the_examples_that_the_page_gives_are_understood(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.foresee(422)
    seen.words("as good as can be")
    seen.shows("#refusal", "Write, for example")
    examples = re.findall("“([^”]+)”", seen.find("#refusal").inner_text())
    examples.append(seen.find("#words-hint q").inner_text())
    assert len(examples) == 3
    for words in examples:
        body = {"operating_point": words}
        url = f"{console.url}/operating-points/screen/preview"
        answer = httpx.post(url, json=body, headers=console.headers, timeout=60)
        assert "should be a contract in words" not in answer.text
        assert answer.status_code == httpx.codes.OK or "cannot be certified" in answer.text


@pytest.mark.parametrize("size", [{"width": 1440, "height": 700}, {"width": 360, "height": 740}])
def test_a_refusal_comes_into_sight_on_a_low_screen(console: Console, visit: Open, size: dict[str, int]) -> None:
    seen = visit(console, viewport=size)
    seen.foresee(422)
    seen.words("recall >= 0.9999")
    seen.shows("#refusal", "This cannot be had")
    expect(seen.find("#refusal b")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("#threshold", "101", "“Flag from” takes a probability: from 0 to 100 %."),
        ("#threshold", "-1", "“Flag from” takes a probability: from 0 to 100 %."),
        ("#prevalence", "150", "“Sick here” takes a share of all people: above 0 and below 100 %."),
        ("#prevalence", "0", "“Sick here” takes a share of all people: above 0 and below 100 %."),
    ],
)
def test_a_number_that_is_no_share_is_refused_beside_its_field_and_asks_nothing(
    console: Console, visit: Open, field: str, value: str, told: str
) -> None:
    seen = visit(console)
    asked, before = len(seen.sent("/preview")), shown(seen)
    seen.find(field).fill(value)
    seen.shows("#refusal", told)
    expect(seen.find(field)).to_have_attribute("aria-invalid", "true")
    assert shown(seen) == before
    seen.button("Make this live").click()
    expect(seen.find("#change")).not_to_be_visible()
    assert len(seen.sent("/preview")) == asked
    seen.find(field).fill("5")
    expect(seen.find("#refusal")).to_be_empty()
    expect(seen.find(field)).not_to_have_attribute("aria-invalid", "true")
    assert seen.sent("/preview")[-1] in (
        {"operating_point": 0.05, "prevalence": None},
        {"operating_point": None, "prevalence": 0.05},
    )


def test_what_was_released_is_named_until_something_else_is_asked(console: Console, visit: Open) -> None:
    seen = visit(console)
    chosen = seen.find("#kind option:checked")
    expect(chosen).to_have_text("“default”: recall of at least 90\u202f%, with 95\u202f% certainty")
    seen.find("#slider").press("ArrowRight")
    expect(chosen).to_have_text("nothing, I turn by hand")
    seen.button("Back to live").click()
    expect(chosen).to_contain_text("“default”")


def test_the_words_of_the_service_are_written_for_people(console: Console, visit: Open) -> None:
    seen = visit(console, "presurgical")
    seen.shows(
        "#target",
        "Asked of it when it was released: precision of at least 80\u202f% where 8\u202f% of people are sick,"
        " with 95\u202f% certainty.",
    )
    seen.shows(
        "#bounds", "any threshold, prevalences from 1\u202f% to 20\u202f%, as long as precision of at least 70\u202f%"
    )
    for part in ("#target", "#live-facts", "#bounds", "#promise", "#history"):
        assert re.findall(r">=|<=|confidence|\b0\.\d+(?![\d\s]*%)", seen.find(part).inner_text()) == []


def test_a_point_that_flags_everybody_or_nobody_is_said_to_tell_nothing(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.find("#threshold").fill("0")
    seen.shows("#promise", "It flags everybody")
    assert seen.figure("NPV") == "not measured"
    seen.find("#threshold").fill("100")
    seen.shows("#promise", "It flags nobody")
    assert seen.figure("precision, PPV") == "not measured"


def test_one_can_go_back_to_the_live_point(console: Console, visit: Open) -> None:
    seen = visit(console, "presurgical")
    before = shown(seen)
    seen.find("#prevalence").fill("20")
    seen.find("#threshold").fill("70")
    seen.shows("#verdict", "70\u202f%")
    seen.button("Back to live").click()
    seen.shows("#trial", "The live point")
    assert shown(seen) == before


def test_the_other_model_can_be_chosen_and_is_linked_to(console: Console, visit: Open) -> None:
    seen = visit(console)
    assert seen.page.get_by_role("radio", name="Screen").is_checked()
    seen.page.get_by_role("radio", name="Presurgical").check()
    seen.shows("#purpose", console.get("models/presurgical")["purpose"])
    seen.shows("#promise", "of the flagged are really sick")
    assert seen.page.url.endswith("#presurgical")
    assert shown(seen) == measured(console.get("operating-points/presurgical")["turned"])
