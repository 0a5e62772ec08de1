"""Arrays, one a column -> what the graph takes, or a named refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from models.errors import BadInput, Refusal, shown
from models.image import BadPhotograph, Image
from models.inputs import Inputs
from models.photograph import pixels
from models.schema import Categorical, Column, Schema

Words = Sequence[str | bytes | None]
Cells = NDArray[Any] | Words


def encode_arrays(schema: Schema, cells: Mapping[str, Cells], *, at: str, most_named: int) -> Inputs:
    """Encode what the schema asks for, all of one length; a cell is named as `at.age.3`.

    Numbers and binaries are numbers [rows], NaN where a cell is empty. Categories are text, or its bytes in UTF-8,
    nothing or None where a cell is empty. Photographs are the bytes of files, or these as text in base64.

    Raises BadInput naming every bad cell, or saying how many there are if these are more than `most_named`.

    >>> from models.schema import Numeric
    >>> schema = Schema(columns=(Numeric(name="age", unit="years", low=0, high=120),))
    >>> encode_arrays(schema, {"age": np.array([61.0, np.nan])}, at="inputs", most_named=100)
    Traceback (most recent call last):
    models.errors.BadInput: inputs.age.1: should be a number from 0 to 120 years, got nan.
    """
    rows = len(cells[schema.asked[0]])
    encoded = np.empty((rows, len(schema.columns)), dtype=np.float32)
    good = np.empty((len(schema.columns), rows), dtype=bool)
    for place, column in enumerate(schema.columns):
        encoded[:, place], good[place] = _encode(column, cells[column.name])
    if (bad := int(good.size - good.sum())) > most_named:
        raise BadInput([Refusal(at, f"should hold at most {most_named} bad values to have them named", str(bad))])
    refused, image = _refused(schema, cells, good, at) if bad else [], None
    if schema.image:
        image, unseen = _photographs(schema.image, cast("Words", cells[schema.image.name]), at)
        refused += unseen
    if refused:
        raise BadInput(refused)
    return Inputs(encoded, image)


def _refused(schema: Schema, cells: Mapping[str, Cells], good: NDArray[np.bool_], at: str) -> list[Refusal]:
    return [
        Refusal(f"{at}.{column.name}.{row}", column.rule, _got(cells[column.name][row]))
        for column, kept in zip(schema.columns, good, strict=True)
        for row in np.flatnonzero(~kept).tolist()
    ]


def _encode(column: Column, cells: Cells) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One column -> its numbers, float32 [rows], and which cells keep the schema, bool [rows]."""
    if isinstance(column, Categorical):
        numbers = _places(column, cast("Words", cells))
    else:
        numbers = np.asarray(cells)
        if numbers.dtype.kind != "f":
            numbers = numbers.astype(np.float64)
    good = column.keeps(numbers)
    encoded = np.where(good, numbers, np.nan).astype(np.float32)
    return encoded, good | np.isnan(numbers) if column.missing == "impute" else good


def _places(column: Categorical, cells: Words) -> NDArray[np.float64]:
    """The place of each category; NaN for an empty cell, -1 for any other word."""
    places: dict[str | bytes | None, float] = {None: np.nan, "": np.nan, b"": np.nan}
    for place, name in enumerate(column.categories):
        places[name] = places[name.encode()] = place
    return np.array([places.get(cell, -1.0) for cell in cells], dtype=np.float64)


def _photographs(image: Image, cells: Words, at: str) -> tuple[NDArray[np.uint8], list[Refusal]]:
    """Files -> uint8 [rows, height, width, 3], and why others can not be read."""
    found = np.zeros((len(cells), *image.shape), dtype=np.uint8)
    refused = []
    for row, cell in enumerate(cells):
        try:
            found[row] = pixels(image, cell)
        except BadPhotograph as error:
            refused.append(Refusal(f"{at}.{image.name}.{row}", image.rule, error.got))
    return found, refused


def _got(cell: Any) -> str:
    if isinstance(cell, bytes):
        cell = cell.decode(errors="replace")
    if cell is None or cell == "":
        return "an empty cell"
    return shown(cell.item() if isinstance(cell, np.generic) else cell)
