"""The same people as `covid_il`, with a ninth answer: whether they had been abroad.

Target: positive, learnt and tested on the same days.
Caveat: as there; that somebody was tested because of a journey was written down as the reason for the test.
Source: as there.
"""

from __future__ import annotations

from benchmarks.quality.table import Table
from benchmarks.quality.tables.covid_il import answers


def table() -> Table:
    return answers("covid_il_abroad", "abroad")
