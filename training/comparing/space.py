"""What a search may choose: the outcome's loss and its settings, sampling, network, learning rate and weight decay."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import annotated_types
from optuna.trial import BaseTrial
from pydantic.fields import FieldInfo

from models.costs import Costs
from models.schema import Numeric, Schema
from models.value import members
from training.comparing.candidates import judged_by, judges
from training.loss import Loss
from training.losses.cost_weighted import CostWeighted
from training.losses.squared_size import SquaredSize
from training.model import Model
from training.network import Network
from training.networks.linear import Linear
from training.networks.mlp import MLP
from training.networks.tabm import TabM
from training.numbers_embedding import NumbersEmbedding
from training.sampling import Balanced, Oversampled, Plain, Sampling
from training.study import Study
from training.term import WEIGHTS, Term

PRICES, TIMES = (0.05, 20.0), (0.2, 20.0)
RATES, DECAYS = (5e-4, 5e-2), (1e-6, 1e-1)
WIDTHS, MEMBERS = (16, 32, 64, 128), (8, 16, 32)
# An open setting is looked for within this factor of its default, both ways; one that is 0 by default, up to it.
FACTOR = 5.0
NEARLY_ONE = 0.99


def suggested(trial: BaseTrial, study: Study, base: Model) -> Model:
    """A model in place of `base`: its contract, budget, image encoder and further terms, all else as a trial says."""
    chosen = judged_by(study, base, loss(trial))
    decay = Term(on=WEIGHTS, by=SquaredSize(), weight=trial.suggest_float("weight_decay", *DECAYS, log=True))
    terms = [term for term in chosen.terms if not (term.on == WEIGHTS and isinstance(term.by, SquaredSize))]
    rate = trial.suggest_float("learning_rate", *RATES, log=True)
    return chosen.model_copy(
        update={
            "terms": (*terms, decay),
            "sampling": sampling(trial),
            "network": network(trial, study.columns, base.network),
            "budget": base.budget.model_copy(update={"learning_rate": rate}),
        }
    )


def loss(trial: BaseTrial) -> Loss:
    """Any loss that can judge the outcome, with its settings; prices go from 20 misses to 20 false alarms."""
    kinds = {kind.__name__: kind for kind in judges()}
    kind = kinds[trial.suggest_categorical("loss", list(kinds))]
    if kind is CostWeighted:
        price = trial.suggest_float("CostWeighted.miss_for_false_alarm", *PRICES, log=True)
        return CostWeighted(costs=Costs(miss=price) if price > 1 else Costs(false_alarm=1 / price))
    fields = {name: setting(trial, f"{kind.__name__}.{name}", field) for name, field in kind.model_fields.items()}
    return kind(**{name: value for name, value in fields.items() if value is not None})


def setting(trial: BaseTrial, name: str, field: FieldInfo) -> Any:
    """A value for one setting of a loss; None if it is none to look for: a count, or one that may be left open."""
    if get_origin(field.annotation) is Literal:
        return trial.suggest_categorical(name, list(get_args(field.annotation)))
    if field.annotation is not float:
        return None
    low, high = _bounds(field)
    default = float(field.default)
    if high is not None and default > NEARLY_ONE * high:
        return high - trial.suggest_float(f"{name} less than {high:g}", (high - default) / 100, 0.1 * high, log=True)
    if high is not None:
        reach = high - (low or 0.0)
        return trial.suggest_float(name, (low or 0.0) + 0.02 * reach, high - 0.02 * reach)
    if default == 0:
        return trial.suggest_float(name, 0.0, FACTOR)
    return trial.suggest_float(name, max(default / FACTOR, low or 0.0), default * FACTOR, log=True)


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for rule in field.metadata:
        match rule:
            case annotated_types.Gt(gt=bound) | annotated_types.Ge(ge=bound):
                low = float(bound)  # type: ignore[arg-type]  # of a float field
            case annotated_types.Lt(lt=bound) | annotated_types.Le(le=bound):
                high = float(bound)  # type: ignore[arg-type]  # of a float field
    return low, high


def sampling(trial: BaseTrial) -> Sampling:
    """Every case once, as many sick as healthy, or the sick so many times as often."""
    match trial.suggest_categorical("sampling", ["plain", "balanced", "times"]):
        case "plain":
            return Plain()
        case "balanced":
            return Balanced()
        case _:
            return Oversampled(times=trial.suggest_float("sampling.times", *TIMES, log=True))


def network(trial: BaseTrial, schema: Schema, base: Network) -> Network:
    """Linear, fully connected, or many in one, each with measured numbers as they are or embedded."""
    numbers = None
    if any(isinstance(column, Numeric) for column in schema.columns):
        family = members(NumbersEmbedding)  # type: ignore[type-abstract]  # the family is asked for its members
        kinds = {kind.__name__: kind for kind in sorted(family, key=lambda kind: kind.__name__)}
        kind = trial.suggest_categorical("numbers", ["as they are", *kinds])
        numbers = kinds[kind]() if kind in kinds else None
    shape = trial.suggest_categorical("network", ["Linear", "MLP", "TabM"])
    if shape == "Linear":
        return Linear(numbers=numbers, image=base.image)
    width = trial.suggest_categorical("network.width", list(WIDTHS))
    hidden = (width,) * trial.suggest_int("network.layers", 1, 3)
    if shape == "MLP":
        return MLP(hidden=hidden, numbers=numbers, image=base.image)
    count = trial.suggest_categorical("network.members", list(MEMBERS))
    dropout = trial.suggest_float("network.dropout", 0.0, 0.4)
    return TabM(hidden=hidden, count=count, dropout=dropout, numbers=numbers, image=base.image)
