"""The networks that somebody's table gets, by how many rows it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.model import Beside, Budget
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.numbers.bounded_bins import BoundedBins
from training.term import WEIGHTS, Term

# How strongly the additive network is held back: scikit-learn's C of a logistic regression on the same inputs.
C = 0.1
# In steps of L-BFGS, of which it needs fewer.
ADDITIVE = Budget(epochs=40, schedule="whole")


@dataclass(frozen=True)
class Size:
    """What tables of a size get: held back the more, the fewer rows there are to learn from.

    `additive` says whether an additive network answers too: where rows are many, what columns do together is learnt
    well, and the mean with a network that knows nothing of it only blurs.
    """

    folds: int
    repeats: int
    bins: int
    hidden: int
    dropout: float
    decay: float
    rate: float
    epochs: int
    batch: int
    additive: bool = True


# Below so many rows.
SIZES: tuple[tuple[float, Size], ...] = (
    (1_500, Size(10, 2, bins=8, hidden=64, dropout=0.5, decay=0.3, rate=0.003, epochs=50, batch=128)),
    (8_000, Size(5, 3, bins=24, hidden=64, dropout=0.25, decay=0.1, rate=0.003, epochs=25, batch=256)),
    (20_000, Size(5, 3, bins=24, hidden=64, dropout=0.25, decay=0.1, rate=0.003, epochs=15, batch=512)),
    (
        math.inf,
        Size(5, 2, bins=24, hidden=64, dropout=0.0, decay=0.01, rate=0.01, epochs=20, batch=2048, additive=False),
    ),
)


@dataclass(frozen=True)
class Recipe:
    """What a table gets; docs/quality.md shows what each part of it buys.

    `ridge` is the weight of the sum of the additive network's squared weights, beside a loss that counts as a share of
    what the best constant answer costs.
    """

    size: Size
    ridge: float

    @property
    def numbers(self) -> BoundedBins:
        """How numbers are embedded."""
        return BoundedBins(bins=self.size.bins)

    @property
    def network(self) -> MLP:
        """One hidden layer: the mean of such networks is again one of them."""
        return MLP(hidden=(self.size.hidden,), dropout=self.size.dropout, numbers=self.numbers)

    @property
    def budget(self) -> Budget:
        """Of that network."""
        size = self.size
        return Budget(
            epochs=size.epochs, batch=size.batch, learning_rate=size.rate, schedule="cosine", decay=size.decay
        )

    def terms(self, head: str) -> tuple[Term, ...]:
        """What pulls on it: plain cross-entropy, of which no weighting has been seen to rank better."""
        return (Term(on=head, against=head, by=CostWeighted()),)

    def beside(self, head: str) -> tuple[Beside, ...]:
        """What answers together with it."""
        if not self.size.additive:
            return ()
        terms = (*self.terms(head), Term(on=WEIGHTS, by=SquaredSize(), weight=self.ridge))
        return (Beside(network=Linear(numbers=self.numbers), terms=terms, budget=ADDITIVE),)

    def fields(self, head: str) -> dict[str, object]:
        """All that a model needs beside a name, a purpose and a contract."""
        return {
            "network": self.network,
            "terms": self.terms(head),
            "budget": self.budget,
            "beside": self.beside(head),
        }


def recipe(rows: int, positives: int) -> Recipe:
    """The recipe for a table of so many rows, of which so many are positive.

    >>> recipe(500, 100).size.dropout, recipe(50_000, 4_000).size.dropout
    (0.5, 0.0)
    """
    size = next(size for most, size in SIZES if rows < most)
    share = positives / rows
    entropy = -share * math.log(share) - (1 - share) * math.log1p(-share)
    taught = rows * (1 - 1 / size.folds)
    # A logistic regression with this C takes |w|^2 / (2 C) beside the sum of all losses; half of it is in SquaredSize.
    return Recipe(size, float(f"{1 / (C * taught * entropy):.3g}"))
