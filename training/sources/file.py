from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
from pydantic import Field

from models.errors import NoData
from training.source import Source
from training.table import Table


class File(Source):
    """A CSV or Parquet file. Cells of a CSV stay text: the study's schema says how they are read."""

    path: str = Field(description="of the file; a relative one is looked for from the working folder")
    empty: tuple[str, ...] = Field((), description="words that stand for an empty cell, such as NA")

    def read(self) -> Table:
        path = Path(self.path)
        if not path.is_file():
            raise NoData(f"{path}: should be a CSV or Parquet file, got nothing there.")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Table(read_file(path, self.empty), {path.name: digest})


def read_file(path: Path, empty: tuple[str, ...] = ()) -> pl.DataFrame:
    """The rows of a CSV file, all cells text and empty ones null, or of a Parquet file.

    Cells that hold nothing but one of the words `empty` are null too.

    Raises NoData if it can not be read as what its name says.
    """
    try:
        typed = path.suffix.lower() == ".parquet"
        rows = pl.read_parquet(path) if typed else pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise NoData(f"{path}: should be a {path.suffix.lstrip('.') or 'CSV'} file, got: {error}.") from None
    text = pl.selectors.string()
    return rows.with_columns(pl.when(~text.str.strip_chars().is_in([*empty, ""])).then(text).name.keep())
