"""A perceptron to which a missed patient counts ten times."""

from __future__ import annotations

from functools import partial

from benchmarks.quality.network import fit, misses_cost_ten
from benchmarks.quality.peer import HoldOut

peer = HoldOut("MLP, misses x10", partial(fit, loss=misses_cost_ten))
