from __future__ import annotations

import hashlib
import os
from pathlib import Path

import polars as pl

from models.errors import NoData
from training.source import Source
from training.table import Table

LABELS, IMAGES = "labels.csv", "images"
NAMES = ("image", "patient_id", "eye")
GRADES = ("dr_grade", "maculopathy", "neovascularisation", "referable")


class RetinaPhotographs(Source):
    """500 photographs of the back of the eye, both eyes of 250 patients, graded by ophthalmologists.

    Read from `$FULCRUM_DATA/retina/`, photographs 512 x 512 in `images/` and a row each in `labels.csv`. `image` is
    the photograph's absolute path; `dr_grade` goes from 0, none, to 5, advanced diabetic eye disease; `maculopathy`,
    `neovascularisation` and `referable` are 0 or 1. Referable is a grade of 2 or more, or maculopathy; of five eyes of
    grade 5, maculopathy could not be told and is empty.

    Free for academic use; networks trained on it may not be shipped.

    Source: Rahim, "DR-image-dataset", 2025, SRahimDR/DR-image-dataset.
    """

    def read(self) -> Table:
        folder = _folder()
        labels = folder / LABELS
        rows = _rows(labels)
        photographs = [(folder / IMAGES / name).absolute() for name in rows["image"]]
        missing = [photograph for photograph in photographs if not photograph.is_file()]
        if missing:
            raise NoData(f"{missing[0]}: should be a photograph of {labels}, got nothing there.")
        digests = {LABELS: hashlib.sha256(labels.read_bytes()).hexdigest(), IMAGES: _digest(photographs)}
        paths = pl.Series("image", [str(photograph) for photograph in photographs], dtype=pl.String)
        return Table(rows.with_columns(paths), digests)


def _folder() -> Path:
    """The folder of the photographs."""
    named = os.environ.get("FULCRUM_DATA")
    if not named:
        raise NoData(
            "FULCRUM_DATA: should name the folder that holds retina/labels.csv, got nothing; set it, as in "
            "`export FULCRUM_DATA=/home/me/data`."
        )
    folder = Path(named) / "retina"
    if not (folder / LABELS).is_file():
        raise NoData(f"{folder / LABELS}: should list the photographs, got nothing there; FULCRUM_DATA is {named}.")
    return folder


def _rows(labels: Path) -> pl.DataFrame:
    """The rows of the list, its photographs by name."""
    try:
        return pl.read_csv(labels, infer_schema=False).select(*NAMES, pl.col(GRADES).cast(pl.Int8))
    except pl.exceptions.PolarsError as error:
        raise NoData(
            f"{labels}: should have {', '.join(NAMES)} and, in whole numbers, {', '.join(GRADES)}, got: {error}."
        ) from None


def _digest(photographs: list[Path]) -> str:
    """The SHA-256 of all names and contents, whatever their order."""
    whole = hashlib.sha256()
    for photograph in sorted(photographs):
        whole.update(f"{photograph.name} {hashlib.sha256(photograph.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
