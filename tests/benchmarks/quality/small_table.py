"""A table that needs no package: who is sick is told by one number, and a word that says nothing; cells are empty."""

from __future__ import annotations

import numpy as np
import polars as pl

from benchmarks.quality.table import Table


def small_table(*, rows: int = 240, apart: float = 3.0, grouped: bool = False, dated: bool = False) -> Table:
    random = np.random.default_rng(7)
    sick = (np.arange(rows) % 3 == 0).astype(np.int64)
    fever = 37 + random.normal(size=rows) + apart * sick
    ward = random.choice(["north", "south"], size=rows)
    known = random.random(rows) > 0.1
    features = pl.DataFrame(
        {"fever": fever, "ward": ward, "age": np.where(known, np.round(random.uniform(20, 90, rows)), np.nan)}
    )
    return Table(
        "small",
        features.with_columns(pl.col("age").fill_nan(None)),
        sick,
        groups=np.arange(rows) // 3 if grouped else None,
        later=np.arange(rows) >= rows * 2 // 3 if dated else None,
    )
