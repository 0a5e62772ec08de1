"""CatBoost whose classes weigh alike."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.peer import HoldOut
from benchmarks.quality.peers.catboost import fit

peer = HoldOut("CatBoost, balanced", partial(fit, balanced=True))
