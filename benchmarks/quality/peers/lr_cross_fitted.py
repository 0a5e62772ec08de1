"""Five logistic regressions and their out-of-fold scores."""

from __future__ import annotations

from benchmarks.quality.peer import CrossFitted
from benchmarks.quality.peers.lr import fit

peer = CrossFitted("logistic regression, cross-fitted", fit)
