"""Logistic regression whose classes weigh alike."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.peer import HoldOut
from benchmarks.quality.peers.lr import fit

peer = HoldOut("logistic regression, balanced", partial(fit, balanced=True))
