from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import image

from models.manifest import Manifest
from tests import handmade
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
