"""A walk through the page, as somebody takes it who has never seen a ROC curve. Writes the pictures of docs/page.md.

    python -m benchmarks.page_walk

The shipped pair is served, and a browser does what the walk tells of. Exit with 1 if anything went wrong in the page on
the way: an error in its console, or a text that should be there and is not.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from playwright.sync_api import Browser

from serving.settings import SHIPPED
from tests.console.opening import chromium, open_visit, served
from tests.console.visiting import Console, Visit

OUT = Path(__file__).parents[1] / "docs" / "console"
COLOURS = 128  # the commonest; what is left are shades at the edges of letters
SCREEN = {"viewport": {"width": 1280, "height": 800}}


def first_sight(browser: Browser, console: Console) -> Visit:
    """What is there before anything is touched."""
    return open_visit(browser, console, viewport={"width": 1280, "height": 1080})


def turned(browser: Browser, console: Console) -> Visit:
    """The slider is turned by eight keys, and the curves are looked at."""
    seen = open_visit(browser, console, viewport={"width": 1280, "height": 1210})
    for _ in range(8):
        seen.find("#slider").press("ArrowRight")
    seen.shows("#promise", "only measured")
    seen.shows("#chart-roc .told", "The turned point")
    seen.page.evaluate("document.querySelector('#curves-title').scrollIntoView()")
    return seen


def unreachable(browser: Browser, console: Console) -> Visit:
    """More is asked for than the cases can carry."""
    seen = open_visit(browser, console, **SCREEN)
    seen.foresee(422)
    seen.words("recall >= 0.9999")
    seen.shows("#refusal", "It would take")
    return seen


def one_person(browser: Browser, console: Console) -> Visit:
    """One person is tried, and two answers are forgotten."""
    seen = open_visit(browser, console, viewport={"width": 1280, "height": 500})
    seen.find("#patient").get_by_role("group", name="fever").get_by_label("yes").check()
    seen.button("Ask the model").click()
    seen.shows("#patient-missing", "Was in contact with a confirmed case: choose yes or no.")
    seen.page.evaluate("document.querySelector('section:has(> #patient)').scrollIntoView()")
    return seen


def not_foreseen(browser: Browser, console: Console) -> Visit:
    """A change is refused that was not foreseen when the model was released."""
    seen = open_visit(browser, console, **SCREEN)
    seen.find("#threshold").fill("60")
    seen.shows("#forbidden", "could not be made live")
    seen.foresee(422)
    seen.button("Make this live").click()
    seen.confirm("Fewer alarms, please")
    seen.shows("#change-refusal", "What has to be kept is")
    return seen


def two_tabs(browser: Browser, console: Console) -> Visit:
    """Somebody else makes a change live meanwhile."""
    seen = open_visit(browser, console, **SCREEN)
    seen.words("recall >= 0.95")
    seen.shows("#promise", "At least 95")
    console.turn("screen", "recall >= 0.92", "Second wave: more tests can be had")
    seen.shows("#notices", "Second wave")
    seen.page.evaluate("document.querySelector('#turn').scrollIntoView()")
    return seen


def phone(browser: Browser, console: Console) -> Visit:
    """A phone, in the dark."""
    seen = open_visit(browser, console, viewport={"width": 390, "height": 1150}, color_scheme="dark")
    seen.words("rule in specificity >= 0.95, rule out recall >= 0.9")
    seen.shows("#people-sentence", "to be looked at again")
    seen.page.evaluate("document.querySelector('.results').scrollIntoView()")
    return seen


STEPS: dict[str, Callable[[Browser, Console], Visit]] = {
    "desktop": first_sight,
    "turned": turned,
    "unreachable": unreachable,
    "one-person": one_person,
    "not-foreseen": not_foreseen,
    "two-tabs": two_tabs,
    "phone": phone,
}


def save(picture: bytes, path: Path) -> None:
    """Write a picture in its commonest colours, as a small PNG."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    common = sorted(image.getcolors(image.width * image.height) or [], reverse=True)[:COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in common for part in colour])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def main(out: Annotated[Path, typer.Option(help="where the pictures go")] = OUT) -> None:
    """Take the walk."""
    out.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), SHIPPED) as console, chromium() as browser:
        for name, step in STEPS.items():
            seen = step(browser, console)
            with closing(seen.page.context):
                # The curves are drawn, and what was scrolled to has come to rest.
                seen.page.wait_for_timeout(500)
                save(seen.page.screenshot(), out / f"{name}.png")
                told = re.sub(r"\s+", " ", step.__doc__ or "")
                print(f"{name}.png: {told} {(out / f'{name}.png').stat().st_size / 1000:.0f} kB")
            problems += [f"{name}: {problem}" for problem in seen.problems]
    print(*problems, sep="\n", file=sys.stderr)
    raise typer.Exit(bool(problems))


if __name__ == "__main__":
    typer.run(main)
