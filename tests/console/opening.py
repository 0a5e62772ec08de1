"""The service, a browser, and the page of the one in the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Route, expect, sync_playwright

from serving.access import add_person
from tests.console.visiting import Console, Visit
from tests.running import ROOT, environment, serving

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class NoChromium(Exception):
    """There is no browser on this machine."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium, without a window. Raises NoChromium."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        raise NoChromium("no chromium on this machine to see the page with")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        yield running
        running.close()


@contextmanager
def served(folder: Path, bundles: Path) -> Iterator[Console]:
    """A service of these bundles that people may turn, ask or only look at; what it keeps is in `folder`."""
    access = folder / "access.json"
    people = {"Dr. Ada Meyer": ["predict", "tune"], "Visitor": ["predict"], "Auditor": ["audit"]}
    tokens = [add_person(access, name, roles) for name, roles in people.items()]
    variables = environment(
        folder,
        FULCRUM_BUNDLES=str(bundles),
        FULCRUM_ACCESS=str(access),
        FULCRUM_STORE=f"sqlite:///{folder / 'changes.sqlite'}",
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as server:
        yield Console(server.url, *tokens)


def open_visit(
    browser: Browser, console: Console, model: str = "screen", *, token: str | None = None, **options: object
) -> Visit:
    """Open the page in a browser profile of its own, and note what it asks for and what goes wrong in it.

    Whoever may turn the points signs in, unless another token is given, or an empty one for nobody.
    """
    seen = noted(browser, console, **options)
    # That nobody is known at first.
    seen.foresee(401)
    seen.page.goto(f"{console.url}/#{model}")
    expect(seen.find("#token")).to_be_focused(timeout=30_000)
    if token is None or token:
        seen.sign_in(console.tuner if token is None else token)
        seen.wait()
    seen.foresee()
    return seen


def noted(browser: Browser, console: Console, **options: object) -> Visit:
    """A page in a browser profile of its own, of which is noted what it asks for and what goes wrong in it."""
    page = browser.new_context(**options).new_page()
    seen = Visit(page, console)

    def only_noted(route: Route) -> None:
        seen.asked.append(route.request)
        route.continue_()

    page.route("**/*", only_noted)
    page.on("console", seen.hear)
    page.on("pageerror", lambda error: seen.problems.append(str(error)))
    return seen
