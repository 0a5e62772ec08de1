"""What becomes of people, in a sentence, a picture, charts, groups and for one person."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.console.visiting import Console, Visit, numbers, percents

Open = Callable[..., Visit]
FATES = {
    "found": "sick_found",
    "open-sick": "sick_indeterminate",
    "missed": "sick_missed",
    "alarmed": "alarmed_in_vain",
    "open-healthy": "healthy_indeterminate",
    "cleared": "cleared",
}


def drawn(visit: Visit) -> dict[str, int]:
    return {fate: visit.find(f'.crowd use[href="#person-{fate}"]').count() for fate in FATES}


def test_the_picture_shows_a_thousand_people_as_the_sentence_counts_them(console: Console, visit: Open) -> None:
    seen = visit(console)
    per_1000 = console.get("operating-points/screen")["turned"]["figures"]["per_1000"]
    seen.shows("#people-sentence", "Of 1,000 people at prevalence")
    found = drawn(seen)
    assert sum(found.values()) == 1000
    assert found == {fate: pytest.approx(per_1000[name], abs=1) for fate, name in FATES.items()}
    sentence = seen.find("#people-sentence").inner_text()
    assert numbers(sentence) == [1000, found["found"], found["missed"], found["alarmed"], found["cleared"]]
    assert seen.find(".crowd").get_attribute("aria-label") == f"Picture: {sentence}"


def test_the_kinds_of_people_differ_in_shape_and_not_only_in_colour(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.words("rule in specificity >= 0.97, rule out recall >= 0.9")
    seen.shows("#people-sentence", "to be looked at again")
    shapes = seen.page.evaluate(
        """(fates) => fates.map((fate) => {
            const person = document.querySelector(`.person.${fate}`);
            const frame = person.querySelector("rect");
            return [getComputedStyle(person.querySelector(".body")).fill !== "none", frame && frame.classList.value];
        })""",
        list(FATES),
    )
    assert len({str(shape) for shape in shapes}) == len(FATES)


def test_people_between_two_thresholds_are_told_of(console: Console, visit: Open) -> None:
    seen = visit(console)
    words = "rule in specificity >= 0.97, rule out recall >= 0.9"
    seen.words(words)
    seen.shows("#people-sentence", "to be looked at again")
    per_1000 = console.preview("screen", words)["turned"]["figures"]["per_1000"]
    assert drawn(seen) == {fate: pytest.approx(per_1000[name], abs=1) for fate, name in FATES.items()}
    seen.shows("#verdict", "leaves those between open")
    seen.shows("#figures", "neither flagged nor cleared")
    seen.shows("#zone-key", "triangle")


def test_a_group_of_less_than_one_in_a_thousand_is_counted_in_more_people(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.find("#prevalence").fill("0.2")
    seen.shows("#people-sentence", re.compile("Of 10,000|Of 100,000"))
    of, *people = numbers(seen.find("#people-sentence").inner_text())
    assert sum(people) == of
    assert min(people) >= 1
    per_1000 = console.preview("screen", None, 0.002)["turned"]["figures"]["per_1000"]
    assert people[1] == pytest.approx(per_1000["sick_missed"] * of / 1000, abs=1)
    seen.shows("#people-note", "less than one person")
    assert sum(drawn(seen).values()) == 1000
    assert drawn(seen)["missed"] >= 1


def test_each_chart_says_in_words_and_numbers_what_it_draws(console: Console, visit: Open) -> None:
    seen = visit(console)
    charts = seen.find("figure.chart")
    assert charts.count() == 4
    recall = console.get("operating-points/screen")["turned"]["figures"]["recall"]["value"]
    told = seen.page.get_by_role("img", name=re.compile("ROC|Sick found against"))
    assert percents(told.get_attribute("aria-label") or "")[0] == pytest.approx(recall, abs=6e-4)
    seen.find("#threshold").fill("20")
    turned = console.preview("screen", 0.2)["turned"]["figures"]
    seen.shows("#promise", "only measured")
    assert percents(told.get_attribute("aria-label") or "")[0] == pytest.approx(turned["recall"]["value"], abs=6e-4)
    precision = seen.find("#chart-precision-recall canvas").get_attribute("aria-label") or ""
    assert percents(precision)[2] == pytest.approx(turned["precision"]["value"], abs=6e-4)
    benefit = seen.find("#chart-decision canvas").get_attribute("aria-label") or ""
    assert f"net benefit of {turned['net_benefit']:.3g}" in benefit
    for place in range(4):
        chart = charts.nth(place)
        chart.locator("summary").click()
        assert chart.locator("tbody tr").count() >= 5
        chart.locator("summary").click()
    bins = console.get("models/screen")["calibration"]["bins"]
    assert seen.find("#chart-calibration tbody tr").count() == len(bins)
    radii = seen.page.evaluate("Object.values(Chart.instances)[3].data.datasets[0].pointRadius")
    by_radius = sorted(range(len(bins)), key=lambda place: radii[place])
    assert [bins[place]["rows"] for place in by_radius] == sorted(each["rows"] for each in bins)


def test_a_chart_says_once_what_the_turned_and_the_live_point_do_alike(console: Console, visit: Open) -> None:
    seen = visit(console)
    for name in ("roc", "precision-recall", "decision"):
        told = seen.find(f"#chart-{name} .told")
        expect(told).to_contain_text("he live point")
        expect(told).not_to_contain_text("turned point")
    seen.find("#slider").press("ArrowRight")
    for name in ("roc", "precision-recall", "decision"):
        expect(seen.find(f"#chart-{name} .told")).to_contain_text(re.compile("he turned point .*; the live point"))


def test_curves_carry_a_marker_for_the_turned_and_for_the_live_point(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.find("#threshold").fill("20")
    seen.shows("#promise", "only measured")
    marked = seen.page.evaluate(
        """() => Object.values(Chart.instances).map((chart) =>
            chart.data.datasets
                .filter(({ label }) => ["Turned to", "Live now"].includes(label))
                .map(({ data }) => data[0]))"""
    )
    roc, precision_recall, decision, calibration = marked
    points = [console.preview("screen", 0.2)["turned"], console.get("operating-points/screen")["turned"]]
    for place, point in enumerate(points):
        figures = point["figures"]
        recall, healthy = figures["recall"]["value"], 1 - figures["specificity"]["value"]
        assert roc[place] == {"x": pytest.approx(healthy), "y": pytest.approx(recall)}
        assert precision_recall[place] == {
            "x": pytest.approx(recall),
            "y": pytest.approx(figures["precision"]["value"]),
        }
        assert decision[place] == {"x": pytest.approx(point["threshold"]), "y": pytest.approx(figures["net_benefit"])}
    assert calibration == []


@pytest.mark.parametrize("threshold", [0, 0.01, 0.2, 1])
def test_groups_are_shown_at_the_turned_point_and_small_ones_left_out(
    console: Console, visit: Open, threshold: float
) -> None:
    seen = visit(console)
    seen.find("#threshold").fill(f"{100 * threshold}")
    seen.shows("#promise", "only measured")
    expected = console.get(f"models/screen/groups?threshold={threshold}&clear_below={threshold}")["groups"]
    rows = seen.find("#groups tbody tr")
    assert rows.count() == len(expected)
    for place, group in enumerate(expected):
        text = rows.nth(place).inner_text()
        if group["suppressed"]:
            assert "too few people" in text
        else:
            assert percents(text)[0] == pytest.approx(group["recall"]["value"], abs=6e-4)
            alike = {(1, 0): "everybody is flagged", (0, 1): "nobody is flagged"}
            assert re.findall(r"\w+body is flagged", text) == [
                told
                for shares, told in alike.items()
                if shares == (group["recall"]["value"], group["specificity"]["value"])
            ]


def test_one_person_is_asked_about_at_the_turned_point_and_again_when_it_turns(console: Console, visit: Open) -> None:
    seen = visit(console)
    form = seen.find("#patient")
    form.get_by_role("group", name="fever").get_by_label("yes").check()
    seen.button("Ask the model").click()
    expect(seen.find("#patient-missing span")).to_have_text(
        ["Sex in the record: choose one of female, male.", "Was in contact with a confirmed case: choose yes or no."]
    )
    expect(seen.find("#patient .bad")).to_have_count(2)
    expect(form.get_by_label("female", exact=True)).to_be_focused()
    form.get_by_role("group", name="sex").get_by_label("female", exact=True).check()
    form.get_by_role("group", name="contact").get_by_label("yes").check()
    seen.ask_model()
    seen.shows("#patient-answer", "Flagged")
    expect(seen.find("#patient .bad, #patient [aria-invalid]")).to_have_count(0)
    [row] = seen.sent("/screen")[-1]["rows"]
    assert row["fever"] is True
    assert row["cough"] is None
    assert row["sex"] == "female"
    seen.shows("#patient-answer", "really sick")
    seen.find("#threshold").fill("99.9")
    seen.shows("#patient-answer", "Cleared")
    assert seen.sent("/screen")[-1] == {"rows": [row], "operating_point": 0.999, "prevalence": None}
    seen.words("rule in specificity >= 0.999, rule out recall >= 0.9")
    seen.shows("#patient-answer", re.compile("Flagged|looked at again"))


def test_numbers_categories_and_symptoms_are_asked_for_and_told(handmade_console: Console, visit: Open) -> None:
    seen = visit(handmade_console)
    seen.shows("#symptoms", "volume of the fluid")
    expect(seen.find("#groups-section")).not_to_be_visible()
    age = seen.page.get_by_label("Age at the visit")
    seen.shows("#patient", "From 0 to 120 years")
    age.fill("130")
    seen.button("Ask the model").click()
    seen.shows("#patient-missing", "Age at the visit: enter a number from 0 to 120 years")
    expect(age).to_be_focused()
    expect(age).to_have_attribute("aria-invalid", "true")
    age.fill("61.5")
    seen.page.get_by_label("Fluid in the retina").fill("450")
    seen.page.get_by_role("group", name="Which eye").get_by_label("left").check()
    seen.ask_model()
    seen.shows("#patient-answer", re.compile(r"Fluid volume\s*0\.9 ml"))
    assert seen.sent("/screen")[-1]["rows"] == [{"age": 61.5, "fluid": 450, "new_vessels": None, "eye": "left"}]


def test_where_no_change_is_foreseen_the_page_says_so(handmade_console: Console, visit: Open) -> None:
    seen = visit(handmade_console)
    seen.shows("#bounds", "released without any change foreseen")
    seen.find("#threshold").fill("40")
    seen.shows("#forbidden", "could not be made live")
