from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from models.errors import NoData
from training.sources.retina import RetinaPhotographs

LABELS = """\
image,patient_id,eye,dr_grade,maculopathy,neovascularisation,referable
p002_L.jpg,p002,left,0,0,0,0
p001_R.jpg,p001,right,4,1,1,1
"""
DATA = os.environ.get("FULCRUM_DATA", "")
HERE = Path(DATA, "retina", "labels.csv").is_file()
on_the_real_ones = pytest.mark.skipif(not HERE, reason="FULCRUM_DATA names no folder with retina/labels.csv")


@pytest.fixture
def retina(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of two photographs, drawn here."""
    folder = tmp_path / "data" / "retina"
    (folder / "images").mkdir(parents=True)
    (folder / "labels.csv").write_text(LABELS)
    for colour, name in enumerate(("p001_R.jpg", "p002_L.jpg")):
        Image.fromarray(np.full((8, 8, 3), 100 * colour, np.uint8)).save(folder / "images" / name)
    monkeypatch.setenv("FULCRUM_DATA", str(tmp_path / "data"))
    return folder


def refusal() -> str:
    with pytest.raises(NoData) as caught:
        RetinaPhotographs().read()
    return str(caught.value)


def test_each_row_has_the_path_of_its_photograph_and_whole_numbers_for_grades(retina: Path) -> None:
    rows = RetinaPhotographs().read().rows
    assert rows.to_dict(as_series=False) == {
        "image": [str(retina / "images" / "p002_L.jpg"), str(retina / "images" / "p001_R.jpg")],
        "patient_id": ["p002", "p001"],
        "eye": ["left", "right"],
        "dr_grade": [0, 4],
        "maculopathy": [0, 1],
        "neovascularisation": [0, 1],
        "referable": [0, 1],
    }
    assert rows.dtypes == [pl.String] * 3 + [pl.Int8] * 4


def test_a_relative_folder_gives_absolute_paths(retina: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(retina.parent.parent)
    monkeypatch.setenv("FULCRUM_DATA", "data")
    assert RetinaPhotographs().read().rows["image"][0] == str(retina / "images" / "p002_L.jpg")


def test_what_stands_in_a_photograph_or_in_the_list_changes_its_digest_and_no_other(retina: Path) -> None:
    first = RetinaPhotographs().read().digests
    assert list(first) == ["labels.csv", "images"]
    assert RetinaPhotographs().read().digests == first

    # Two photographs that change places are other photographs.
    left, right = retina / "images" / "p002_L.jpg", retina / "images" / "p001_R.jpg"
    swapped = left.read_bytes(), right.read_bytes()
    right.write_bytes(swapped[0])
    left.write_bytes(swapped[1])
    second = RetinaPhotographs().read().digests
    assert second["images"] != first["images"]
    assert second["labels.csv"] == first["labels.csv"]

    head, *rows = LABELS.splitlines()
    (retina / "labels.csv").write_text("\n".join([head, *reversed(rows)]))
    third = RetinaPhotographs().read().digests
    assert third["images"] == second["images"]
    assert third["labels.csv"] != second["labels.csv"]


def test_without_the_setting_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FULCRUM_DATA", raising=False)
    assert refusal() == (
        "FULCRUM_DATA: should name the folder that holds retina/labels.csv, got nothing; set it, as in "
        "`export FULCRUM_DATA=/home/me/data`."
    )


def test_a_folder_without_the_list_is_named(retina: Path) -> None:
    (retina / "labels.csv").unlink()
    assert refusal() == (
        f"{retina / 'labels.csv'}: should list the photographs, got nothing there; FULCRUM_DATA is {retina.parent}."
    )


def test_a_photograph_that_is_not_there_is_named(retina: Path) -> None:
    photograph = retina / "images" / "p001_R.jpg"
    photograph.unlink()
    assert refusal() == f"{photograph}: should be a photograph of {retina / 'labels.csv'}, got nothing there."


@pytest.mark.parametrize(
    ("old", "new", "got"), [("maculopathy", "macula", "maculopathy"), ("left,0", "left,none", "none")]
)
def test_a_list_of_another_make_is_refused(retina: Path, old: str, new: str, got: str) -> None:
    (retina / "labels.csv").write_text(LABELS.replace(old, new))
    text = refusal()
    assert text.startswith(
        f"{retina / 'labels.csv'}: should have image, patient_id, eye and, in whole numbers, dr_grade, maculopathy, "
        "neovascularisation, referable, got: "
    )
    assert got in text.split("got: ")[1]


@on_the_real_ones
def test_the_real_ones_are_500_of_both_eyes_of_250_patients() -> None:
    table = RetinaPhotographs().read()
    rows = table.rows
    assert (len(rows), rows["patient_id"].n_unique(), rows["referable"].sum()) == (500, 250, 212)
    assert rows.group_by("patient_id").agg(pl.col("eye").sort())["eye"].to_list() == [["left", "right"]] * 250
    with Image.open(rows["image"][499]) as photograph:
        assert photograph.size == (512, 512)


@on_the_real_ones
def test_the_real_ones_are_referable_from_a_grade_of_2_or_with_maculopathy() -> None:
    rows = RetinaPhotographs().read().rows
    assert rows.filter(pl.col("maculopathy").is_null())["dr_grade"].to_list() == [5] * 5
    assert ((rows["dr_grade"] >= 2) | (rows["maculopathy"] == 1)).cast(pl.Int8).equals(rows["referable"])
