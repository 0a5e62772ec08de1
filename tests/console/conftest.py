"""A browser, the page it sees, and the service behind it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, sync_playwright

from serving.access import add_person
from serving.settings import SHIPPED
from tests import handmade
from tests.console.visiting import Console, Visit
from tests.running import ROOT, environment, serving

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        pytest.skip("no chromium on this machine to see the page with")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        yield running
        running.close()


@contextmanager
def _console(folder: Path, bundles: Path) -> Iterator[Console]:
    access = folder / "access.json"
    tuner, reader = add_person(access, "Dr. Ada Meyer", ["tune"]), add_person(access, "Visitor", ["predict"])
    variables = environment(
        folder,
        FULCRUM_BUNDLES=str(bundles),
        FULCRUM_ACCESS=str(access),
        FULCRUM_STORE=f"sqlite:///{folder / 'changes.sqlite'}",
    )
    with serving(variables=variables, folder=ROOT, bundles=bundles, log=folder / "log") as server:
        yield Console(server.url, tuner, reader)


@pytest.fixture
def console(shipped_console: Console) -> Console:
    """The shipped pair, whose live points may be turned; each test finds them as released."""
    for model in ("screen", "presurgical"):
        if shipped_console.get(f"operating-points/{model}")["setting"] != {"operating_point": None, "prevalence": None}:
            shipped_console.turn(model, None, "As released, for the next test")
    return shipped_console


@pytest.fixture(scope="session")
def shipped_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with _console(tmp_path_factory.mktemp("console"), SHIPPED) as running:
        yield running


@pytest.fixture(scope="session")
def handmade_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Numbers, categories and a symptom head; no groups, and no change is foreseen."""
    folder = tmp_path_factory.mktemp("handmade")
    handmade.bundle(folder, "screen")
    bundles = handmade.bundle(folder, "presurgical").folder.parent
    with _console(folder, bundles) as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open the page in a browser of its own; afterwards nothing may have gone wrong in it, or been asked elsewhere."""
    visits: list[Visit] = []
    with ExitStack() as stack:

        def open_page(console: Console, model: str = "screen", **options: object) -> Visit:
            context = browser.new_context(**options)
            stack.callback(context.close)
            page = context.new_page()
            seen = Visit(page, console)
            visits.append(seen)

            def only_here(route: Route) -> None:
                seen.asked.append(route.request)
                route.continue_()

            page.route("**/*", only_here)
            page.on("console", seen.hear)
            page.on("pageerror", lambda error: seen.problems.append(str(error)))
            page.goto(f"{console.url}/#{model}")
            seen.wait()
            return seen

        yield open_page
        for seen in visits:
            assert seen.problems == []
            assert [request.url for request in seen.asked if not request.url.startswith(seen.console.url)] == []


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures of the page go, to be looked at."""
    folder = Path(os.environ.get("FULCRUM_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
