"""LightGBM with the sick weighted up to the healthy, as scale_pos_weight does."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.peer import HoldOut
from benchmarks.quality.peers.lightgbm import fit

peer = HoldOut("LightGBM, scale_pos_weight", partial(fit, balanced=True))
