"""The networks that somebody's table gets, by how many rows it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass

# How strongly the additive network is held back: sklearn's C of a logistic regression on the same inputs.
C = 0.2


@dataclass(frozen=True)
class Recipe:
    """What depends on the size of a table; docs/quality.md shows what each of it buys.

    `ridge` is the weight of the sum of squared weights beside a loss that counts as a share of what the best constant
    answer costs; `decay` is that of AdamW.
    """

    folds: int
    repeats: int
    bins: int
    hidden: int
    dropout: float
    decay: float
    ridge: float
    rate: float
    epochs: int
    batch: int


def recipe(rows: int, positives: int) -> Recipe:
    """The recipe for a table of so many rows, of which so many are positive.

    >>> recipe(500, 100).batch, recipe(50_000, 4_000).batch
    (128, 2048)
    """
    share = positives / rows
    entropy = -share * math.log(share) - (1 - share) * math.log1p(-share)
    folds, repeats = 5, 4
    taught = rows * (1 - 1 / folds)
    epochs, batch = next(found for most, *found in SIZES if rows < most)
    return Recipe(
        folds=folds,
        repeats=repeats,
        bins=8,
        hidden=64,
        dropout=0.5,
        decay=0.3,
        # A logistic regression with this C takes |w|^2 / (2 C) beside the sum of all losses.
        ridge=1 / (2 * C * taught * entropy),
        rate=0.003,
        epochs=epochs,
        batch=batch,
    )


# Below so many rows: epochs, and rows a step.
SIZES: tuple[tuple[float, int, int], ...] = (
    (1_500, 50, 128),
    (8_000, 30, 256),
    (20_000, 20, 512),
    (math.inf, 10, 2048),
)
