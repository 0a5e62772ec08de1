"""A photograph in the form that tries one person."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from models.bundle import open_bundle
from models.scorer import Scorer
from tests import seeing
from tests.console.opening import served
from tests.console.visiting import Console, Visit, percents
from tests.dicoms import dicom
from tests.photographs import fundus, jpeg, png, real

Open = Callable[..., Visit]
FIELD = "Photograph of the back of the eye"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeing")
    seeing.bundle(folder, "screen")
    return seeing.bundle(folder, "presurgical").folder.parent


@pytest.fixture(scope="module")
def seeing_console(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    with served(tmp_path_factory.mktemp("service"), bundles) as running:
        yield running


def choose(seen: Visit, data: bytes, *, name: str = "eye.jpg", kind: str = "image/jpeg") -> None:
    seen.page.get_by_label(FIELD).set_input_files({"name": name, "mimeType": kind, "buffer": data})


def fill(seen: Visit, data: bytes) -> dict[str, Any]:
    """Fill in everything; the row that is meant by it."""
    seen.page.get_by_label("Age at the visit").fill("61")
    seen.page.get_by_role("group", name="Which eye").get_by_label("left").check()
    choose(seen, data)
    return {"age": 61.0, "eye": "left", "photograph": data}


def told(seen: Visit) -> float:
    """The probability that the page tells."""
    return percents(seen.find("#patient-answer").inner_text())[0]


@pytest.mark.parametrize("data", [jpeg(fundus(1, size=(900, 700))), png(fundus(2))])
def test_a_photograph_is_shown_sent_and_answered_with_symptoms(
    seeing_console: Console, bundles: Path, visit: Open, screenshots: Path, data: bytes
) -> None:
    seen = visit(seeing_console)
    row = fill(seen, data)
    shown = seen.page.get_by_alt_text("Chosen: eye.jpg")
    expect(shown).to_be_visible()
    seen.page.wait_for_function("document.querySelector('.preview img').naturalWidth > 0")
    seen.ask_model()
    seen.shows("#patient-answer", "Probability of being")
    (sent,) = seen.sent("/screen")[-1]["rows"]
    assert sent == row | {"photograph": base64.b64encode(data).decode()}
    scores = Scorer(open_bundle(bundles / "screen")).score_rows([row])
    assert told(seen) == pytest.approx(float(scores.probability[0]), rel=0.01)
    seen.shows("#patient-answer", "Flagged" if scores.positive[0] else "Cleared")
    green = float(scores.symptoms["greenness"][0])
    seen.shows("#patient-answer", re.compile(rf"Greenness\s*{green:.3g}\d* of 255"))
    red, blue = (float(scores.symptoms[name][0]) for name in ("redness", "blueness"))
    said = seen.find("#patient-answer dl").inner_text()
    assert percents(said.split("Redness")[1])[0] == pytest.approx(red, abs=6e-3)
    grade = re.search(r"Blueness\s*([\d.]+) \(of at most 5\)", said)
    assert grade
    assert float(grade[1]) == pytest.approx(blue, abs=6e-3)
    seen.find("#patient").screenshot(path=screenshots / "photograph.png")


def test_a_dicom_file_is_sent_though_no_browser_can_show_it(
    seeing_console: Console, visit: Open, bundles: Path
) -> None:
    seen = visit(seeing_console)
    data = dicom(np.asarray(fundus(5)))
    row = fill(seen, jpeg(fundus(5)))
    # A browser tells no kind of it.
    choose(seen, data, name="EYE.DCM", kind="")
    expect(seen.page.get_by_text("Chosen: EYE.DCM, which only the model can look at.")).to_be_visible()
    expect(seen.find(".preview img")).to_have_count(0)
    seen.ask_model()
    seen.shows("#patient-answer", "Probability of being")
    (sent,) = seen.sent("/screen")[-1]["rows"]
    assert sent == row | {"photograph": base64.b64encode(data).decode()}
    scores = Scorer(open_bundle(bundles / "screen")).score_rows([row | {"photograph": png(fundus(5))}])
    assert told(seen) == pytest.approx(float(scores.probability[0]), rel=0.01)


def test_the_photograph_is_kept_while_the_point_is_turned(seeing_console: Console, visit: Open) -> None:
    seen = visit(seeing_console)
    fill(seen, jpeg(fundus(3)))
    seen.ask_model()
    seen.shows("#patient-answer", "Probability of being")
    source = seen.find(".preview img").get_attribute("src")
    before = len(seen.sent("/screen"))
    decisions = set()
    for threshold, text in (("0.1", "at or above the threshold of 0.1"), ("99.9", "That is below 99.9")):
        seen.find("#threshold").fill(threshold)
        seen.shows("#patient-answer", text)
        decisions.add(seen.find("#patient-answer .decision").inner_text())
    assert len(decisions) == 2
    turned = seen.sent("/screen")[before:]
    assert len(turned) == 2
    assert {body["rows"][0]["photograph"] for body in turned} == {base64.b64encode(jpeg(fundus(3))).decode()}
    assert seen.find(".preview img").get_attribute("src") == source


def test_what_is_no_photograph_or_too_large_is_said_at_once_and_not_sent(seeing_console: Console, visit: Open) -> None:
    seen = visit(seeing_console)
    fill(seen, jpeg(fundus(4)))
    for data, name, kind, text in (
        (b"age,eye", "people.csv", "text/csv", "This is no JPEG, PNG or DICOM file: people.csv."),
        (bytes(5_000_001), "huge.jpg", "image/jpeg", "This file is too large: 5.0 MB, where 5.0 MB are the most."),
        (b"", "empty.png", "image/png", "This file is empty."),
        (b"no photograph", "odd.jpg", "image/jpeg", "can not be shown: it is damaged, or no photograph."),
    ):
        choose(seen, data, name=name, kind=kind)
        seen.shows("#patient-image-wrong", text)
        expect(seen.page.get_by_label(FIELD)).to_have_attribute("aria-invalid", "true")
        expect(seen.find(".preview img")).to_have_count(0)
        seen.button("Ask the model").click()
        seen.shows("#patient-missing", f"{FIELD}: choose a JPEG, PNG or DICOM file")
        expect(seen.page.get_by_label(FIELD)).to_be_focused()
    assert seen.sent("/screen") == []
    choose(seen, jpeg(fundus(4)))
    expect(seen.find("#patient-image-wrong")).to_be_hidden()
    seen.ask_model()
    seen.shows("#patient-answer", "Probability of being")
    expect(seen.find("#patient-missing")).to_be_hidden()


def test_a_photograph_that_the_model_refuses_is_told_in_its_words(seeing_console: Console, visit: Open) -> None:
    seen = visit(seeing_console)
    seen.foresee(422)
    fill(seen, png(fundus(5, size=(60, 60))))
    seen.ask_model()
    seen.shows("#patient-answer", f"rows.0.photograph {seeing.IMAGE.rule}, got 60 x 60 pixels.")


def test_an_outside_checker_finds_no_fault_with_a_photograph(seeing_console: Console, visit: Open) -> None:
    seen = visit(seeing_console)
    fill(seen, jpeg(fundus(6)))
    seen.ask_model()
    seen.shows("#patient-answer", "Probability of being")
    found = Axe().run(seen.page, options={"resultTypes": ["violations"]}).response["violations"]
    choose(seen, b"", name="empty.png", kind="image/png")
    seen.shows("#patient-image-wrong", "empty")
    found += Axe().run(seen.page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [node["html"] for fault in found for node in fault["nodes"]] == []


def test_a_real_photograph_is_answered(seeing_console: Console, bundles: Path, visit: Open, screenshots: Path) -> None:
    (path,) = real(1)
    seen = visit(seeing_console, model="presurgical")
    row = fill(seen, path.read_bytes())
    seen.ask_model()
    seen.shows("#patient-answer", "Probability of being")
    scores = Scorer(open_bundle(bundles / "presurgical")).score_rows([row], prevalence=0.2)
    assert told(seen) == pytest.approx(float(scores.probability[0]), rel=0.01)
    seen.find("#patient").screenshot(path=screenshots / "real.png")
