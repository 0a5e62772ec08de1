"""Five CatBoost models and their out-of-fold scores."""

from __future__ import annotations

from benchmarks.quality.peer import CrossFitted
from benchmarks.quality.peers.catboost import fit

peer = CrossFitted("CatBoost, cross-fitted", fit)
