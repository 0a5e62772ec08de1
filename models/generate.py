"""Rows that a schema allows, made by chance: for probes, parity and tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.schema import Schema

EMPTY = 0.1


def generate(schema: Schema, rows: int, seed: int) -> NDArray[np.float32]:
    """Encoded rows, float32 [rows, columns]; a tenth of the cells that may be empty are.

    Whole-number columns take each value alike, others are uniform over their range, its ends included.
    """
    random = np.random.default_rng(seed)
    low, high = schema.bounds.astype(np.float64)
    uniform = low + (high - low) * random.random((rows, len(low)))
    places = low + np.floor(random.random((rows, len(low))) * (high - low + 1))
    values = np.where(schema.whole, np.minimum(places, high), uniform).astype(np.float32)
    ends = random.random(values.shape)
    values = np.where(ends < 0.01, schema.bounds[0], np.where(ends > 0.99, schema.bounds[1], values))
    empty = (random.random(values.shape) < EMPTY) & schema.may_be_empty
    clipped = np.clip(values, schema.bounds[0], schema.bounds[1])
    return np.where(empty, np.float32(np.nan), clipped).astype(np.float32)
