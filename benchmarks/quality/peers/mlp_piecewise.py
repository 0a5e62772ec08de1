"""A perceptron whose numbers are embedded piecewise linearly."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.network import fit, perceptron_with_bins
from benchmarks.quality.peer import HoldOut

peer = HoldOut("MLP, piecewise-linear embeddings", partial(fit, build=perceptron_with_bins))
