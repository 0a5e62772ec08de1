"""People drawn from a logistic model that is known, and a study's parts made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.contract import Contract
from models.contracts.recall import Recall
from models.costs import Costs
from models.schema import Numeric, Schema
from training.fit import Fitted, fit, reproducible
from training.losses.cost_weighted import CostWeighted
from training.model import Budget, Model
from training.networks.linear import Linear
from training.sampling import Plain, Sampling
from training.term import Term

SCHEMA = Schema(columns=tuple(Numeric(name=name, low=-50, high=50) for name in ("a", "b", "c")))
SLOPES, LEVEL = np.array([1.0, -0.7, 0.3]), -2.0
SPREADS, CENTRES = np.array([1.0, 2.0, 4.0]), np.array([0.0, 3.0, -1.0])


def people(count: int, seed: int, *, strength: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Columns float32 [count, 3] and targets float32 [count], one in five of them sick or so."""
    random = np.random.default_rng(seed)
    columns = (CENTRES + SPREADS * random.normal(size=(count, 3))).astype(np.float32)
    chance = special.expit(strength * truth(columns))
    return columns, (random.random(count) < chance).astype(np.float32)


def truth(columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """The logit from which `people` are drawn."""
    return np.asarray(((columns - CENTRES) / SPREADS) @ (SLOPES * 1.5) + LEVEL)


def model(
    *terms: Term,
    costs: Costs | None = None,
    sampling: Sampling | None = None,
    contract: Contract | None = None,
    budget: Budget | None = None,
    emptied: float = 0.0,
) -> Model:
    """A linear model of `sick` with these prices, rates and further terms."""
    return Model(
        name="screen",
        purpose="A test.",
        network=Linear(),
        terms=(Term(on="sick", against="sick", by=CostWeighted(costs=costs or Costs())), *terms),
        sampling=sampling or Plain(),
        emptied=emptied,
        contract=contract or Recall(at_least=0.9),
        budget=budget or Budget(batch=2048, learning_rate=0.05, patience=5),
    )


def trained(made: Model, *, rows: int = 16_000, seed: int = 0) -> Fitted:
    """The model trained on `rows` people and judged on half as many others."""
    training, validation = people(rows, 1), people(rows // 2, 2)
    with reproducible(seed):
        net = made.network.build(SCHEMA, training[0], {"sick": 1})
    return fit(
        made,
        net,
        head="sick",
        training=(training[0], {"sick": training[1]}),
        validation=(validation[0], {"sick": validation[1]}),
        seed=seed,
    )
