"""A browser, the page it sees, and the service behind it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from serving.settings import SHIPPED
from tests import handmade
from tests.console.opening import NoChromium, chromium, open_visit, served
from tests.console.visiting import Console, Visit


# Not for the session: while Playwright is open, no other test of this process could run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as running:
            yield running
    except NoChromium as error:
        pytest.skip(f"{error}")


@pytest.fixture
def console(shipped_console: Console) -> Console:
    """The shipped pair, whose live points may be turned; each test finds them as released."""
    for model in ("screen", "presurgical"):
        if shipped_console.get(f"operating-points/{model}")["setting"] != {"operating_point": None, "prevalence": None}:
            shipped_console.turn(model, None, "As released, for the next test")
    return shipped_console


@pytest.fixture(scope="session")
def shipped_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with served(tmp_path_factory.mktemp("console"), SHIPPED) as running:
        yield running


@pytest.fixture(scope="session")
def handmade_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Numbers, categories and a symptom head; no groups, and no change is foreseen."""
    folder = tmp_path_factory.mktemp("handmade")
    handmade.bundle(folder, "screen")
    bundles = handmade.bundle(folder, "presurgical").folder.parent
    with served(folder, bundles) as running:
        yield running


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open the page in a browser of its own; afterwards nothing may have gone wrong in it, or been asked elsewhere."""
    visits: list[Visit] = []
    with ExitStack() as stack:

        def open_page(console: Console, model: str = "screen", **options: object) -> Visit:
            seen = open_visit(browser, console, model, **options)
            stack.callback(seen.page.context.close)
            visits.append(seen)
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
