"""Five perceptrons of other seeds, on the same rows; their mean."""

from __future__ import annotations

from benchmarks.quality import network
from benchmarks.quality.encoding import Encoded
from benchmarks.quality.fitted import Fitted, mean
from benchmarks.quality.peer import HoldOut
from benchmarks.quality.splits import Rows


def fit(encoded: Encoded, rows: Rows, seed: int) -> Fitted:
    """Each holds out another fifth to stop by."""
    return mean([network.fit(encoded, rows, seed * 100 + number) for number in range(5)])


peer = HoldOut("MLP, five seeds", fit)
