"""TabM to which a missed patient counts ten times."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.network import copies, fit, misses_cost_ten
from benchmarks.quality.peer import HoldOut

peer = HoldOut("TabM, misses x10", partial(fit, build=copies, loss=misses_cost_ten))
