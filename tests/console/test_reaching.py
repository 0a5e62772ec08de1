"""The page for everybody: by keyboard, by ear, on a phone, in the dark, on paper."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.console.visiting import Console, Visit

Open = Callable[..., Visit]
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}
CONSOLE = Path(__file__).parents[2] / "serving" / "console"


def test_everything_can_be_done_with_the_keyboard_alone(console: Console, visit: Open) -> None:
    seen = visit(console)
    keys = seen.page.keyboard
    keys.press("Tab")
    expect(seen.page.get_by_role("link", name="Skip to turning the point")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(seen.find("#slider")).to_be_focused()
    keys.press("ArrowRight")
    seen.shows("#promise", "only measured")
    visited = []
    for _ in range(12):
        keys.press("Tab")
        visited.append(seen.page.evaluate("document.activeElement.id"))
        if visited[-1] == "words":
            keys.type("recall >= 0.93")
            keys.press("Enter")
            seen.shows("#promise", "At least 93\u202f%")
        if visited[-1] == "apply":
            break
    assert visited == ["threshold", "prevalence", "kind", "words", "apply"]
    keys.press("Enter")
    expect(seen.find("#reason")).to_be_focused()
    keys.press("Escape")
    expect(seen.find("#change")).not_to_be_visible()
    expect(seen.find("#apply")).to_be_focused()
    keys.press("Enter")
    keys.type("By keyboard")
    keys.press("Tab")
    expect(seen.find("#confirm")).to_be_focused()
    keys.press("Enter")
    seen.shows("#notices", "Done.")


def test_what_has_the_focus_is_seen(console: Console, visit: Open) -> None:
    seen = visit(console)
    for _ in range(25):
        seen.page.keyboard.press("Tab")
        outlined = seen.page.evaluate(
            """() => {
                const focused = document.activeElement;
                const drawn = focused.matches(".segments input") ? focused.nextElementSibling : focused;
                return [focused.outerHTML.slice(0, 80), getComputedStyle(drawn).outlineStyle];
            }"""
        )
        assert outlined[1] == "solid", outlined[0]


def test_no_element_jumps_the_order_of_the_keyboard(console: Console, visit: Open) -> None:
    seen = visit(console)
    assert seen.page.evaluate("[...document.querySelectorAll('[tabindex]')].every((element) => element.tabIndex <= 0)")


def test_every_control_has_a_name_and_every_part_a_landmark_or_a_heading(console: Console, visit: Open) -> None:
    seen = visit(console)
    tree = seen.find("body").aria_snapshot()
    for line in (
        "- banner:",
        "- main:",
        "- contentinfo:",
        '- group "Model":',
        '- heading "Whom should the model flag?" [level=1]',
        '- region "Live now":',
        '- region "Turn the point":',
        '- slider "Whom to flag"',
        '- spinbutton "Flag from (threshold)"',
        '- spinbutton "Sick here (prevalence)"',
        '- combobox "I need"',
        '- textbox "The same in words"',
        '- button "Make this live …"',
        '- region "What is promised":',
        '- table "Figures of the point with 95 % intervals"',
        '- region "The same point in each group of people":',
        '- region "Try one person":',
        '- region "History":',
    ):
        assert line in tree, f"{line} is not in\n{tree}"
    roles = "button|textbox|spinbutton|slider|combobox|radio|link|img|table|region"
    unnamed = re.findall(rf"- (?:{roles})(?: \[.*\])?:?$", tree, re.MULTILINE)
    assert unnamed == []


def test_the_dialog_has_names_too(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.button("Make this live").click()
    tree = seen.find("#change").aria_snapshot()
    for line in (
        '- dialog "Make this the live point?"',
        '- textbox "Why? (kept in the history, with your name)"',
        '- button "Make it live"',
        '- button "Cancel"',
    ):
        assert line in tree, f"{line} is not in\n{tree}"


def test_the_result_is_spoken_when_turning_has_stopped(console: Console, visit: Open) -> None:
    seen = visit(console)
    spoken = seen.find("#spoken")
    expect(spoken).to_have_attribute("aria-live", "polite")
    seen.find("#slider").press("End")
    seen.shows("#spoken", "Nothing is promised, only measured.")
    sentence = seen.find("#people-sentence").inner_text()
    seen.shows("#spoken", sentence)
    assert re.match(r"flags from .*; finds .* of the sick", seen.find("#slider").get_attribute("aria-valuetext") or "")


@pytest.mark.parametrize("model", ["screen", "presurgical"])
def test_a_phone_shows_it_all_without_going_sideways(console: Console, visit: Open, model: str) -> None:
    seen = visit(console, model, viewport=PHONE)
    width = "document.documentElement.scrollWidth"
    assert seen.page.evaluate(width) <= PHONE["width"]
    for summary in seen.find("summary").all():
        summary.click()
    seen.find("#kind").select_option("zone")
    seen.shows("#people-sentence", "to be looked at again")
    assert seen.page.evaluate(width) <= PHONE["width"]
    seen.shows("#brief", seen.find("#people-sentence").inner_text())
    seen.button("Make this live").click()
    box = seen.find("#change").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]


SCREENS = {
    "light": {"viewport": DESKTOP},
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": PHONE},
    "forced colours": {"viewport": DESKTOP, "forced_colors": "active"},
}


def faults(seen: Visit) -> list[str]:
    """What axe-core, the checker of Deque Systems, finds wrong with the page as it stands."""
    found = Axe().run(seen.page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{fault['id']}: {node['html']}" for fault in found for node in fault["nodes"]]


@pytest.mark.parametrize("screen", SCREENS)
def test_an_outside_checker_finds_no_fault_whatever_is_open(console: Console, visit: Open, screen: str) -> None:
    seen = visit(console, **SCREENS[screen])
    assert faults(seen) == []
    for summary in seen.find("summary").all():
        summary.click()
    seen.find("#kind").select_option("zone")
    seen.shows("#people-sentence", "to be looked at again")
    seen.foresee(422)
    seen.words("recall >= 0.9999")
    seen.shows("#refusal", "This cannot be had")
    seen.button("Ask the model").click()
    seen.shows("#patient-missing", "choose")
    assert faults(seen) == []
    seen.find("#threshold").fill("60")
    seen.shows("#forbidden", "could not be made live")
    seen.button("Make this live").click()
    seen.find("#confirm").click()
    seen.shows("#change-refusal", "Give a reason")
    assert faults(seen) == []


def test_an_outside_checker_finds_no_fault_in_numbers_categories_and_symptoms(
    handmade_console: Console, visit: Open
) -> None:
    assert faults(visit(handmade_console)) == []


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(console: Console, visit: Open, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    seen = visit(console, color_scheme=scheme)
    texts = ("ink", "muted", "accent", "live", "missed", "alarmed", "open", "on-accent")
    names = (*texts, "surface", "ground", "problem-soft")
    colours = seen.page.evaluate(
        """(names) => {
            const style = getComputedStyle(document.documentElement);
            return names.map((name) => style.getPropertyValue(`--${name}`).trim());
        }""",
        names,
    )
    found = dict(zip(names, map(luminance, colours), strict=True))
    assert (found["surface"] < 0.1) == (scheme == "dark")
    pairs = [
        *itertools.product(("ink", "muted", "accent", "live"), ("surface", "ground")),
        *((text, "surface") for text in ("missed", "alarmed", "open")),
        ("on-accent", "accent"),
        ("ink", "problem-soft"),
        ("muted", "problem-soft"),
    ]
    ratios = {}
    for text, ground in pairs:
        dark, light = sorted((found[text], found[ground]))
        ratios[text, ground] = (light + 0.05) / (dark + 0.05)
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


def test_paper_shows_the_facts_and_none_of_the_controls(console: Console, visit: Open, screenshots: Path) -> None:
    seen = visit(console, color_scheme="dark", viewport=DESKTOP)
    seen.words("recall >= 0.93")
    seen.shows("#promise", "At least 93\u202f%")
    pdf = seen.page.pdf(path=screenshots / "print.pdf", format="A4")
    assert pdf.startswith(b"%PDF")
    seen.page.emulate_media(media="print", color_scheme="dark")
    for fact in (
        "#purpose",
        "#live",
        "#people-sentence",
        ".crowd",
        "#promise",
        "#figures",
        "#charts",
        "#groups",
        "#history",
        "#identity",
    ):
        expect(seen.find(fact).first).to_be_visible()
    for control in ("#turn", "#models", "#patient", "#print", "#help"):
        expect(seen.find(control)).not_to_be_visible()
    assert (
        seen.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--surface').trim()")
        == "#ffffff"
    )


def test_forced_colours_and_no_motion_break_nothing(console: Console, visit: Open, screenshots: Path) -> None:
    seen = visit(console, forced_colors="active", reduced_motion="reduce", viewport=DESKTOP)
    seen.find("#threshold").fill("20")
    seen.shows("#promise", "only measured")
    assert seen.page.evaluate("document.getAnimations().length") == 0
    chosen, other = seen.page.evaluate(
        """() => ["input:checked + span", "input:not(:checked) + span"].map((which) =>
            getComputedStyle(document.querySelector(`#models ${which}`)).backgroundColor)"""
    )
    assert chosen != other
    seen.page.screenshot(path=screenshots / "forced-colours.png")


def test_nothing_is_allowed_but_the_pages_own_files(console: Console) -> None:
    answer = httpx.get(f"{console.url}/", timeout=60)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)", answer.text) is None
    assert re.findall(r"(?:src|href)=\"(?!console/|#)", answer.text) == []


def test_what_is_vendored_names_its_version_and_brings_its_licence() -> None:
    [library] = (CONSOLE / "vendor").iterdir()
    name, version = re.fullmatch(r"(.+)-(\d+\.\d+\.\d+)", library.name).groups()  # type: ignore[union-attr]
    [script] = library.glob("*.js")
    assert version in script.read_text(encoding="utf-8")[:200]
    assert name == "chart.js"
    assert "Permission is hereby granted" in (library / "LICENSE.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop-light", {"viewport": DESKTOP}),
        ("desktop-dark", {"viewport": DESKTOP, "color_scheme": "dark"}),
        ("phone", {"viewport": PHONE}),
    ],
)
def test_pictures_are_taken_to_be_looked_at(
    console: Console, visit: Open, screenshots: Path, name: str, options: dict[str, object]
) -> None:
    seen = visit(console, **options)
    seen.find("#slider").press("PageUp")
    seen.shows("#promise", "only measured")
    seen.page.screenshot(path=screenshots / f"{name}.png", full_page=True)
    assert (screenshots / f"{name}.png").stat().st_size > 50_000
