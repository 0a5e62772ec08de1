"""XGBoost with the sick weighted up to the healthy, as scale_pos_weight does."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.peer import HoldOut
from benchmarks.quality.peers.xgboost import fit

peer = HoldOut("XGBoost, scale_pos_weight", partial(fit, balanced=True))
