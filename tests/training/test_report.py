from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import image

from models.manifest import Manifest
from tests import handmade
from tests.crossed import crossed
from training.report import COLOURS, draw


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    return [handmade.finished(model)[1] for model in ("screen", "presurgical")]


def test_a_picture_is_drawn_and_its_folder_made(tmp_path: Path, manifests: list[Manifest]) -> None:
    before = dict(mpl.rcParams)
    draw(manifests, tmp_path / "new" / "report.png")
    picture = image.imread(tmp_path / "new" / "report.png")
    assert picture.shape[:2] == (576, 1200)
    assert picture.std() > 0.05
    assert dict(mpl.rcParams) == before


def test_the_picture_says_what_was_promised_and_of_which_model(tmp_path: Path, manifests: list[Manifest]) -> None:
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw(manifests, tmp_path / "report.svg")
    text = (tmp_path / "report.svg").read_text()
    for words in (
        "handmade: certification cases and operating points",
        "recall &gt;= 0.9",
        "precision &gt;= 0.6",
        "presurgical, at prevalence 0.2",
        "1 - specificity",
    ):
        assert words in text, words
    assert all(colour in text for colour in list(COLOURS)[:2])


def test_the_same_models_are_the_same_bytes(tmp_path: Path, manifests: list[Manifest]) -> None:
    for kind in ("png", "svg"):
        draw(manifests, tmp_path / f"first.{kind}")
        draw(manifests, tmp_path / f"again.{kind}")
        assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"again.{kind}").read_bytes()


def test_a_study_of_many_models_loses_none(tmp_path: Path, manifests: list[Manifest]) -> None:
    many = [manifests[0].model_copy(update={"model": f"model_{number}"}) for number in range(len(COLOURS) + 2)]
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw(many, tmp_path / "report.svg")
    text = (tmp_path / "report.svg").read_text()
    assert all(f"{manifest.model}, at prevalence" in text for manifest in many)


def test_the_picture_of_cross_fitted_models_says_at_which_scores_their_cases_are(tmp_path: Path) -> None:
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw([crossed()], tmp_path / "crossed.svg")
        draw([crossed(), handmade.finished()[1]], tmp_path / "both.svg")
    titled = "handmade: certification cases, each at the worse of two scores, and operating points"
    assert titled in (tmp_path / "crossed.svg").read_text()
    assert "worse of two scores" not in (tmp_path / "both.svg").read_text()


def test_no_promise_reaches_beyond_its_axes_or_lies_on_a_curve(tmp_path: Path) -> None:
    presurgical, zoned = (handmade.finished(model)[1] for model in ("presurgical", "zoned"))
    models = [presurgical.model_copy(update={"model": "for_surgery_of_one_eye"}), zoned]
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw(models, tmp_path / "report.svg")
    drawn = (tmp_path / "report.svg").read_text()
    roc = drawn.split('<g id="axes_2">')[0]
    box = re.search(r'<g id="patch_2">\s*<path d="([^"]*)"', roc)
    assert box is not None
    left, right = (pick(float(x) for x in re.findall(r"[ML] ([\d.]+) ", box[1])) for pick in (min, max))
    legend = roc.split('<g id="legend_1">')[1]
    lines = re.findall(r'<g id="line2d_\d+">\s*<path d="M ([\d.]+) ', legend)
    words = re.findall(r"(?:precision|recall) &gt;= [^<]*", legend)
    assert len(words) == 3
    assert words == re.findall(r"(?:precision|recall) &gt;= [^<]*", roc)
    assert left < min(map(float, lines)) < right
