"""Tables of people as somebody has them in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from tests import handmade, simulated


def people(folder: Path, rows: int = 1200, **columns: pl.Series) -> Path:
    """A CSV file of simulated people: `sick` yes or no, three measurements, an id."""
    values, sick = simulated.people(rows, 1, strength=4.0)
    table = pl.DataFrame(values, schema=["a", "b", "c"]).with_columns(
        pl.Series("id", [f"person {row}" for row in range(rows)]),
        pl.Series("Is sick?", np.where(sick > 0, "yes", "no")),
        **columns,
    )
    table.write_csv(folder / "people.csv")
    return folder / "people.csv"


def site(file: Path, rows: int = 1500, seed: int = 9, **columns: pl.Series) -> pl.DataFrame:
    """Write people whom the hand-made models know, `result` sick or well, as a CSV file; two rows a `patient`."""
    sick = handmade.targets(handmade.encoded(rows, seed), seed)
    table = pl.DataFrame(handmade.rows(rows, seed)).with_columns(
        pl.Series("result", np.where(sick, "sick", "well")),
        pl.Series("patient", np.arange(rows) // 2),
        **columns,
    )
    table.write_csv(file)
    return table
