"""What early stopping is judged on, and what weighting by class means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from benchmarks.quality.encoding import Encoded
from benchmarks.quality.splits import Rows


def apart(encoded: Encoded, rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Four fifths of the rows to learn from and a fifth to stop by, by patient where there are several rows."""
    groups = encoded.table.groups
    if groups is None:
        learnt, judged = train_test_split(rows, test_size=0.2, stratify=encoded.sick[rows], random_state=seed)
        return learnt, judged
    dealt = GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(rows, groups=groups[rows])
    learnt, judged = next(dealt)
    return rows[learnt], rows[judged]


def row_weights(sick: NDArray[np.int64], *, balanced: bool) -> NDArray[np.float64]:
    """One a row; if balanced, the sick weigh as much as the healthy together.

    Given to the learning and to the stopping rows: `scale_pos_weight` alone leaves the figure that boosting stops by
    unweighted, and such models stop far too early.
    """
    if not balanced:
        return np.ones(len(sick))
    return np.where(sick == 1, (1 - sick).sum() / max(1, sick.sum()), 1.0)
