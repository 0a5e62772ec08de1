"""The columns of the job as plain data: a peer in an environment of its own needs nothing else of this project."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

HOME = "SERVING_BUNDLES"
FILE = "fields.json"


class Field(NamedTuple):
    """A column: `low` and `high` of a number, `kinds` of a category, neither of a yes or no."""

    name: str
    low: float | None
    high: float | None
    kinds: tuple[str, ...]
    empty: bool


def write(folder: Path, fields: tuple[Field, ...], symptoms: tuple[str, ...]) -> None:
    """Lay the columns beside the bundles."""
    (folder / FILE).write_text(json.dumps({"fields": fields, "symptoms": symptoms}))


def read() -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """The columns and the symptoms that were laid there."""
    found = json.loads((Path(os.environ[HOME]) / FILE).read_text())
    return tuple(Field(*cells[:3], tuple(cells[3]), cells[4]) for cells in found["fields"]), tuple(found["symptoms"])
