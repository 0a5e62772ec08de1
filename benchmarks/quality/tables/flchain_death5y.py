"""Death within five years, from free light chains and age: residents of Olmsted County over 50.

Target: died within 1,826 days. Whoever was lost to follow-up before that, alive, is left out.
Dropped: futime and death (the outcome), chapter (the cause of death), flc.grp (tenths of kappa + lambda).
Caveat: age alone says most of it.
Source: `flchain` of R's survival; Dispenzieri et al., Mayo Clinic Proceedings 2012.
"""

from __future__ import annotations

import polars as pl

from benchmarks.quality.table import Table, features, outcome
from benchmarks.quality.wheels import r_table

DAYS = 1826


def table() -> Table:
    rows = r_table("survival", "flchain")
    rows = rows.filter((pl.col("futime") > DAYS) | (pl.col("death") == 1))
    died = (rows["futime"] <= DAYS) & (rows["death"] == 1)
    seen = rows.select("age", "sex", "sample.yr", "kappa", "lambda", "creatinine", "mgus")
    return Table("flchain_death5y", features(seen), outcome(died))
