"""Gradient boosting on histograms whose classes weigh alike."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.peer import HoldOut
from benchmarks.quality.peers.hgb import fit

peer = HoldOut("HistGradientBoosting, balanced", partial(fit, balanced=True))
