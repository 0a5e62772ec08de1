"""Scores of cases that taught: what those say who never saw them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.calibration import Calibration, shift


def told(calibration: Calibration, raw: ArrayLike, *, prevalence: float) -> NDArray[np.float32]:
    """Raw logits [rows] -> probabilities float32 [rows] where `prevalence` are sick, as the graph works them out."""
    logits = shift(calibration.logits(raw), prevalence=calibration.prevalence, to=prevalence)
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


def worse(unseen: NDArray[np.float32], delivered: NDArray[np.float32], targets: ArrayLike) -> NDArray[np.float32]:
    """The worse of two scores for what each case is, [rows]: the lower for the sick, the higher for the healthy.

    `unseen` comes from copies of a network that never saw the case, and is what a new person would get from each
    of them. `delivered` comes from the mean of all copies, most of which saw it: by itself it flatters. But where many
    people share one score, the copies' scores for them lie around the delivered one, and a threshold between them
    would lose, when delivered, people whom the unseen scores still flag. The worse of both protects against either.

    >>> worse(np.float32([0.2, 0.2]), np.float32([0.5, 0.1]), [1, 0]).tolist()
    [0.20000000298023224, 0.20000000298023224]
    """
    sick = np.asarray(targets) > 0
    return np.where(sick, np.minimum(unseen, delivered), np.maximum(unseen, delivered))
