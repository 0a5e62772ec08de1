"""Who looks at the page: one token for all of it, in the memory of the tab alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from serving.settings import SHIPPED
from tests.console.opening import noted
from tests.console.visiting import Console, Visit
from tests.running import ROOT, environment, serving

Open = Callable[..., Visit]
SCREENS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


def faults(seen: Visit) -> list[str]:
    found = Axe().run(seen.page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{fault['id']}: {node['html']}" for fault in found for node in fault["nodes"]]


@pytest.mark.parametrize("screen", SCREENS)
def test_who_is_not_known_is_asked_for_a_token_and_sees_nothing_else(
    console: Console, visit: Open, screenshots: Path, screen: str
) -> None:
    seen = visit(console, token="", viewport=SCREENS[screen])
    assert faults(seen) == []
    seen.page.screenshot(path=screenshots / f"sign-in-{screen}.png")
    seen.page.keyboard.press("Escape")
    expect(seen.find("#sign-in")).not_to_be_visible()
    seen.shows("#door", "Who are you?")
    for part in ("#turn", "#charts", "#history", "#patient", "#purpose", "#models", "#print"):
        expect(seen.find(part)).not_to_be_visible()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen]["width"]
    assert faults(seen) == []
    seen.page.screenshot(path=screenshots / f"door-{screen}.png")
    seen.button("Sign in").click()
    for text, words in (
        ("", "Paste your token"),
        ("two words", "letters, digits and signs, without blanks"),
        ("tökèn", "letters, digits and signs, without blanks"),
    ):
        seen.sign_in(text)
        seen.shows("#sign-in-refusal", words)
        expect(seen.find("#token")).to_have_attribute("aria-invalid", "true")
    seen.foresee(401)
    seen.sign_in("no-such-token")
    seen.shows("#sign-in-refusal", "The token is not known, or holds no longer")
    assert faults(seen) == []
    seen.sign_in(f"Bearer {console.tuner}")
    seen.wait()
    seen.shows("#account", "Dr. Ada Meyer predict, tune")
    seen.page.screenshot(path=screenshots / f"signed-in-{screen}.png")


def test_the_token_is_kept_in_memory_only_and_gone_when_one_signs_out(console: Console, visit: Open) -> None:
    seen = visit(console)
    kept = seen.page.evaluate("() => [localStorage.length, sessionStorage.length, document.cookie, location.href]")
    assert kept[:3] == [0, 0, ""]
    assert console.tuner not in kept[3]
    expect(seen.find("#token")).to_have_value("")
    assert seen.find("#token").get_attribute("type") == "password"
    assert console.tuner not in seen.page.content()
    asked = [request for request in seen.asked if "/console/" not in request.url and request.method != "GET"]
    assert asked
    assert {request.headers.get("authorization") for request in asked} == {f"Bearer {console.tuner}"}
    seen.foresee(401)
    seen.button("Sign out").click()
    expect(seen.find("#token")).to_be_focused(timeout=15_000)
    expect(seen.find("#turn")).not_to_be_visible()


@pytest.mark.parametrize("screen", SCREENS)
def test_without_a_role_a_part_says_so_in_its_place(
    console: Console, visit: Open, screenshots: Path, screen: str
) -> None:
    console.turn("screen", "recall >= 0.93", "Told to few")
    seen = visit(console, token=console.reader, viewport=SCREENS[screen])
    seen.shows("#history", "To read who changed the point, when and why, takes the role “audit” or “tune”")
    seen.shows("#live-facts", "Who set it and why is shown to the roles")
    for secret in ("Told to few", "Meyer"):
        assert secret not in seen.page.content()
    assert not [request.url for request in seen.asked if request.url.endswith("/history")]
    assert faults(seen) == []
    seen.page.screenshot(path=screenshots / f"without-a-role-{screen}.png", full_page=True)
    seen.find("#history").get_by_role("button", name="Sign in as somebody else").click()
    seen.sign_in(console.auditor)
    seen.shows("#history tbody tr:first-child", "Told to few")
    seen.shows("#live-facts", "set by Dr. Ada Meyer")
    seen.shows("#account", "Auditor audit")
    seen.shows("#patient", "To ask the model takes the role “predict”; you have “audit”.")
    expect(seen.button("Ask the model")).to_have_count(0)
    expect(seen.find("figure.chart")).to_have_count(4)


def test_who_is_known_no_longer_signs_in_again_and_keeps_what_was_turned(console: Console, visit: Open) -> None:
    seen = visit(console)
    seen.find("#threshold").fill("7")
    seen.shows("#verdict", "7\u202f%")
    expired = '{"error": "Authorization: exp: should be later than now, got a token that has expired.", "refusals": []}'
    seen.foresee(401)
    seen.page.route(
        "**/operating-points/**",
        lambda route: route.fulfill(status=401, body=expired, content_type="application/json"),
    )
    seen.shows("#notices", "You are not signed in any more")
    seen.shows("#notices", "a token that has expired")
    seen.page.unroute("**/operating-points/**")
    seen.button("Sign in again").click()
    seen.sign_in(console.tuner)
    expect(seen.find("#notices")).to_be_empty()
    expect(seen.find("#threshold")).to_have_value("7")
    seen.shows("#trial", "A trial, not live")


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A service that knows nobody."""
    folder = tmp_path_factory.mktemp("unguarded")
    variables = environment(folder, FULCRUM_BUNDLES=str(SHIPPED))
    with serving(variables=variables, folder=ROOT, bundles=SHIPPED, log=folder / "log") as server:
        yield Console(server.url, "", "", "")


def test_where_nobody_is_known_nothing_is_asked_and_nobody_changes_the_point(
    unguarded: Console, browser: Browser, screenshots: Path
) -> None:
    seen = noted(browser, unguarded)
    seen.page.goto(f"{unguarded.url}/#screen")
    seen.wait()
    expect(seen.find("#account")).to_be_empty()
    seen.shows("#history", "as released")
    seen.page.screenshot(path=screenshots / "open-desktop.png")
    seen.find("#threshold").fill("7")
    seen.shows("#verdict", "7\u202f%")
    seen.button("Make this live").click()
    seen.shows("#change-refusal", "This service knows nobody")
    seen.foresee(403)
    seen.confirm("To try")
    seen.shows("#change-refusal", "FULCRUM_ACCESS: should name the access file")
    assert seen.problems == []
    seen.page.context.close()
