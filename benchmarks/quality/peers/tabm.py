"""TabM: sixteen copies that share weights."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.network import copies, fit
from benchmarks.quality.peer import HoldOut

peer = HoldOut("TabM", partial(fit, build=copies))
