"""Tables, a column at a time -> what the graph takes, and the rows it may not take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.errors import BadInput, Refusal, shown
from models.image import BadPhotograph, Image
from models.inputs import Inputs
from models.photograph import pixels
from models.schema import FALSE, TRUE, Binary, Categorical, Column, Schema

NOTHING: Mapping[str, NDArray[Any]] = {}


@dataclass(frozen=True)
class Encoded:
    """A table as the graph takes it.

    `values` is float32 [rows, columns]; `good` bool [rows] says which rows keep the contract; `refused` holds
    one refusal for every bad cell of the others, row by row; `image` is uint8 [rows, height, width, 3], black where a
    photograph is bad, None if the schema asks for none.
    """

    values: NDArray[np.float32]
    good: NDArray[np.bool_]
    refused: tuple[Refusal, ...]
    image: NDArray[np.uint8] | None = None

    @property
    def inputs(self) -> Inputs:
        """All rows as the graph takes them; `inputs[good]` are those that it may take."""
        return Inputs(self.values, self.image)

    @property
    def accepted(self) -> Inputs:
        """The rows that keep the contract, as the graph takes them; no copy is made where all do."""
        some = slice(None) if self.good.all() else self.good
        return replace(self.inputs[some], proven=True)


def encode_table(
    schema: Schema,
    table: pl.DataFrame,
    *,
    first_row: int = 0,
    folder: Path | None = None,
    proven: Mapping[str, NDArray[Any]] = NOTHING,
) -> Encoded:
    """Encode what the schema asks for in `table`; other columns are not looked at.

    Text cells are read as their column wants them, so that a CSV file and a typed file mean the same. Rows
    are named by their place in the file, the first of this table being `first_row`. A photograph is the path of a
    file, from `folder` on (without one: from the working folder), or the file's content in a column of bytes.
    Columns that are `proven` good already, numbers [rows] that are float32 in the graph, need not be in the table.

    Raises BadInput if a column is not there or of a type that can not be read as its kind.

    >>> from models.schema import Numeric
    >>> schema = Schema(columns=(Numeric(name="age", low=0, high=120),))
    >>> encoded = encode_table(schema, pl.DataFrame({"age": ["61", "old"]}))
    >>> encoded.good.tolist(), str(encoded.refused[0])
    ([True, False], "rows.1.age: should be a number from 0 to 120, got 'old'.")
    """
    check_columns(schema, pl.Schema({**dict.fromkeys(proven, pl.String()), **table.schema}))
    values = np.empty((table.height, len(schema.columns)), dtype=np.float32)
    bad = np.zeros((table.height, len(schema.columns)), dtype=bool)
    for place, column in enumerate(schema.columns):
        if column.name in proven:
            values[:, place] = proven[column.name]
        else:
            values[:, place], bad[:, place] = _encode(column, table[column.name])
    unseen: dict[int, Refusal] = {}
    image = None
    if schema.image:
        image, unseen = _photographs(schema.image, table[schema.image.name], first_row, folder or Path())
    refused = [
        Refusal(
            f"rows.{first_row + row}.{schema.names[place]}",
            schema.columns[place].rule,
            _cell(table[schema.names[place]][int(row)]),
        )
        for row, place in np.argwhere(bad)
    ]
    good = np.logical_not(bad.any(axis=1))
    good[list(unseen)] = False
    if unseen:
        refused = sorted([*refused, *unseen.values()], key=lambda refusal: int(refusal.path.split(".")[1]))
    return Encoded(values, good, tuple(refused), image)


def check_columns(schema: Schema, types: Iterable[str] | pl.Schema) -> None:
    """Refuse a table before any work if a column is missing or can not hold what the schema asks for."""
    kinds = dict(types) if isinstance(types, pl.Schema) else dict.fromkeys(types, pl.String())
    refused = []
    for column in schema.columns:
        kind = kinds.get(column.name)
        if kind is None:
            refused.append(Refusal(column.name, "should be a column of the table", ", ".join(kinds) or "no column"))
        elif not _readable(column, kind):
            refused.append(Refusal(column.name, column.rule, f"a column of type {kind}"))
    if schema.image:
        refused += _column_of_photographs(schema.image, kinds)
    if refused:
        raise BadInput(refused)


def _column_of_photographs(image: Image, kinds: Mapping[str, pl.DataType]) -> list[Refusal]:
    kind = kinds.get(image.name)
    if kind is None:
        return [Refusal(image.name, "should be a column of the table", ", ".join(kinds) or "no column")]
    if isinstance(kind, (pl.String, pl.Null, pl.Binary)):
        return []
    return [Refusal(image.name, "should be paths of photographs, or their bytes", f"a column of type {kind}")]


def _readable(column: Column, kind: pl.DataType) -> bool:
    if isinstance(kind, (pl.String, pl.Null)):
        return True
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        return isinstance(column, (Binary, Categorical))
    if isinstance(column, Categorical):
        return kind.is_integer()
    return kind.is_numeric() or (isinstance(column, Binary) and isinstance(kind, pl.Boolean))


def _encode(column: Column, cells: pl.Series) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One column -> its numbers, float32 [rows], and which cells are bad, bool [rows]."""
    if isinstance(cells.dtype, (pl.Categorical, pl.Enum)):
        cells = cells.cast(pl.String)  # Names that come again and again are text like any other.
    if isinstance(cells.dtype, pl.String):
        text = cells.str.strip_chars()
        cells = text.set(text == "", None)
    empty = cells.is_null().to_numpy()
    numbers = _numbers(column, cells).to_numpy()
    good = column.keeps(numbers)
    allowed = empty if column.missing == "impute" else np.zeros_like(empty)
    bad = ~np.where(empty, allowed, good)
    return np.where(bad | empty, np.nan, numbers).astype(np.float32), bad


def _numbers(column: Column, cells: pl.Series) -> pl.Series:
    """Cells as float64, NaN where one can not be read."""
    if isinstance(column, Categorical):
        names = cells.cast(pl.String)
        places = names.replace_strict(
            {name: place for place, name in enumerate(column.categories)},
            default=None,
            return_dtype=pl.Float64,
        )
        return places.fill_null(float("nan"))
    if isinstance(column, Binary) and isinstance(cells.dtype, pl.String):
        words = {**dict.fromkeys(TRUE, 1.0), **dict.fromkeys(FALSE, 0.0)}
        cells = cells.str.to_lowercase().replace_strict(words, default=None, return_dtype=pl.Float64)
    return cells.cast(pl.Float64, strict=False).fill_null(float("nan"))


def _photographs(
    image: Image, cells: pl.Series, first_row: int, folder: Path
) -> tuple[NDArray[np.uint8], dict[int, Refusal]]:
    """A column of paths or bytes -> uint8 [rows, height, width, 3], and the refusals by the row in this table."""
    found = np.zeros((len(cells), *image.shape), dtype=np.uint8)
    refused = {}
    for row, cell in enumerate(cells):
        text = cell.strip() if isinstance(cell, str) else cell
        try:
            if not text:
                raise image.bad("an empty cell")
            found[row] = pixels(image, folder / text if isinstance(text, str) else text)
        except BadPhotograph as error:
            refused[row] = Refusal(f"rows.{first_row + row}.{image.name}", image.rule, error.got)
    return found, refused


def _cell(cell: object) -> str:
    return "an empty cell" if cell is None or cell == "" else shown(cell)
