"""A perceptron of two layers of 128, trained with cross-entropy."""

from __future__ import annotations

from benchmarks.quality.network import fit
from benchmarks.quality.peer import HoldOut

peer = HoldOut("MLP", fit)
