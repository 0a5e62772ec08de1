"""Five LightGBM models and their out-of-fold scores."""

from __future__ import annotations

from benchmarks.quality.peer import CrossFitted
from benchmarks.quality.peers.lightgbm import fit

peer = CrossFitted("LightGBM, cross-fitted", fit)
