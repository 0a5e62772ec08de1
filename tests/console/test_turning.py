"""Turning the point: whatever is turned, the page shows what the service answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

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


def test_the_slider_goes_evenly_over_every_distinct_threshold(console: Console, visit: Open) -> None:
    seen = visit(console)
    thresholds = console.get("models/screen")["curve"]["thresholds"]
    slider = seen.find("#slider")
    assert slider.get_attribute("max") == str(len(thresholds) - 1)
    slider.press("Home")
    for place in (1, 2, 3):
        slider.press("ArrowRight")
        between = (thresholds[place - 1] + thresholds[place]) / 2
        expected = console.preview("screen", between)["turned"]
        seen.shows("#promise", "only measured")
        expect(seen.find("#threshold")).to_have_value(f"{100 * between:.5g}")
        assert slider.input_value() == str(place)
        assert shown(seen) == measured(expected)
    slider.press("End")
    seen.shows("#verdict", re.compile(r"9\d\.\d"))


def test_many_turns_at_once_are_asked_once(console: Console, visit: Open) -> None:
    seen = visit(console)
    before = len(seen.sent("/preview"))
    seen.page.evaluate(
        """() => {
            const slider = document.querySelector("#slider");
            for (let place = 5; place <= 60; place += 1) {
                slider.value = place;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )
    seen.shows("#promise", "only measured")
    thresholds = console.get("models/screen")["curve"]["thresholds"]
    assert seen.sent("/preview")[before:] == [
        {"operating_point": pytest.approx((thresholds[59] + thresholds[60]) / 2), "prevalence": None}
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
    seen.shows("#refusal", re.compile(r"carry recall 0\.99\d+ at most"))
    seen.shows("#refusal", "still those of the last point that could")
    assert shown(seen) == before
    seen.button("Make this live").click()
    expect(seen.find("#change")).not_to_be_visible()
    seen.words("recall of much")
    seen.shows("#refusal", "recall of much")
    seen.find("#threshold").fill("3")
    expect(seen.find("#refusal")).to_be_empty()


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
