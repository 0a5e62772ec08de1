"""A site's own file -> rows as the graph takes them, with or without labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from models.bundle import sha256
from models.errors import BadInput, NoData, Refusal, shown
from models.inputs import Inputs
from models.schema import Schema
from models.table import encode_table


@dataclass(frozen=True)
class SiteRows:
    """The rows of a site's file, every one of them good.

    `columns` float32 [rows, columns]; `targets` float32 [rows] in {0, 1}, None without labels; `patients` int64
    [rows] tells which rows are of one patient, None if no column does; `table` holds all cells; `image` is uint8
    [rows, height, width, 3], None if the schema asks for none.
    """

    file: str
    digest: str
    columns: NDArray[np.float32]
    targets: NDArray[np.float32] | None
    patients: NDArray[np.int64] | None
    table: pl.DataFrame
    image: NDArray[np.uint8] | None = None

    @property
    def inputs(self) -> Inputs:
        """The rows as the graph takes them."""
        return Inputs(self.columns, self.image)

    def __len__(self) -> int:
        return len(self.columns)


def read_site(
    path: Path, schema: Schema, *, target: str | None = None, positive: str | None = None, group: str | None = None
) -> SiteRows:
    """Read a CSV or Parquet file, where `positive` is the cell of the column `target` that means sick.

    `group` is the column that names the patient. A photograph is the path of a file, from the folder of `path` on.

    Raises NoData if it is not there or can not be read, BadInput naming every bad row if there is one, and what
    is wrong with the labels.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NoData(f"{path}: should be a readable file, got: {error.strerror or error}.") from None
    table = _table(path)
    if not table.height:
        raise BadInput([Refusal(str(path), "should hold at least one row", "none")])
    encoded = encode_table(schema, table, folder=path.parent)
    refused = list(encoded.refused)
    sick = None if target is None else _cells(table, target, "--target", schema, refused)
    patients = None if group is None else _cells(table, group, "--group", schema, refused)
    if refused:
        raise BadInput(sorted(refused, key=lambda refusal: int(refusal.path.split(".")[1])))
    return SiteRows(
        file=path.name,
        digest=sha256(data),
        columns=encoded.values,
        targets=None if sick is None else _targets(sick, positive),
        patients=None if patients is None else np.unique(patients.to_numpy(), return_inverse=True)[1].astype(np.int64),
        table=table,
        image=encoded.image,
    )


def _table(path: Path) -> pl.DataFrame:
    """All rows; the cells of a CSV stay text, and empty ones are null."""
    try:
        if path.name.lower().endswith(".parquet"):
            return pl.read_parquet(path)
        # Not by polars itself: a row with too few cells would come back with empty ones.
        with pyarrow.csv.open_csv(path) as opened:
            names = opened.schema.names
        convert = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        )
        return pl.DataFrame(pyarrow.csv.read_csv(path, convert_options=convert))
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise NoData(f"{path}: should be a CSV or Parquet file that can be read, got: {reason}.") from None


def _cells(table: pl.DataFrame, name: str, option: str, schema: Schema, refused: list[Refusal]) -> pl.Series:
    """A column as text; its empty cells are refused."""
    if name not in table.columns:
        raise BadInput([Refusal(option, f"should be a column of the file ({', '.join(table.columns)})", shown(name))])
    if name in schema.asked:
        raise BadInput([Refusal(option, "should not be a column that the model sees", shown(name))])
    cells = table[name].cast(pl.String).str.strip_chars()
    empty = (cells.is_null() | (cells == "")).to_numpy()
    refused += [Refusal(f"rows.{row}.{name}", "should be known", "an empty cell") for row in np.flatnonzero(empty)]
    return cells


def _targets(cells: pl.Series, positive: str | None) -> NDArray[np.float32]:
    kinds = cells.unique(maintain_order=True).to_list()
    if positive not in kinds or len(kinds) == 1:
        found = ", ".join(kinds[:10])
        raise BadInput(
            [Refusal("--positive", f"should be one of several cells of {cells.name} ({found})", f"{positive!r}")]
        )
    return (cells == positive).to_numpy().astype(np.float32)
