"""One model of a study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.change_control import ChangeControl
from models.contract import Contract
from models.value import Value
from training.network import Network
from training.sampling import Plain, Sampling
from training.term import Term
from training.weighing import Weighing
from training.weighings.fixed import Fixed

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Budget(Value):
    """How long training may take, and when it is done."""

    epochs: int = Field(300, ge=1, description="at most; with `cosine` all of them")
    batch: int = Field(1024, ge=1, description="rows a step")
    learning_rate: float = Field(0.01, gt=0, description="the highest")
    schedule: Literal["halve", "cosine", "whole"] = Field(
        "halve",
        description="halve the rate whenever progress stops, until that does not help either; or let it rise over the"
        " first fifth of all steps and fall to nothing by the last, which suits few cases; or take all rows at once"
        " in steps of L-BFGS until nothing moves, which suits a linear network",
    )
    patience: int = Field(8, ge=1, description="epochs without progress before the rate is halved")
    decay: float = Field(
        0.0,
        ge=0,
        description="share of each weight, times the rate, that is taken away each step (Loshchilov & Hutter, 2019)",
    )
    halvings: int = Field(5, ge=0, description="of the learning rate; without progress after the last it is done")


class Beside(Value):
    """A further network that answers together with a model's own: it learns by itself, and logits are averaged."""

    network: Network
    terms: tuple[Term, ...] = Field((), description="what pulls on it; none: what pulls on the model's own network")
    emptied: float | None = Field(None, ge=0, lt=1, description="as the model's; None: the same share")
    budget: Budget | None = Field(None, description="None: the model's")


class Alternative(Value):
    """A further operating point of a model, with a name by which callers ask for it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    contract: Contract


class Model(Value):
    """One model of a study: its network, what pulls on it, and what is asked of its operating point."""

    name: Name
    purpose: str
    network: Network
    terms: tuple[Term, ...] = Field(min_length=1)
    weighing: Weighing = Fixed()
    sampling: Sampling = Plain()
    emptied: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="share of the cells that may be empty to empty in training, so that empty is learnt as unknown",
    )
    contract: Contract
    alternatives: tuple[Alternative, ...] = Field((), description="further points that the bundle carries by name")
    change_control: ChangeControl | None = Field(
        None, description="changes of the point that are foreseen after release; None: none is"
    )
    budget: Budget = Budget()
    beside: tuple[Beside, ...] = Field(
        (),
        description="further networks whose logits are averaged with those of `network`",
        exclude_if=lambda them: not them,
    )

    @property
    def kinds(self) -> tuple[Model, ...]:
        """The model with each of its networks alone, its own first."""
        own = self.model_copy(update={"beside": ()})
        return (own, *(own.model_copy(update=_given(each)) for each in self.beside))

    @property
    def epochs(self) -> int:
        """Of all its networks together, at most."""
        return sum(kind.budget.epochs for kind in self.kinds)


def _given(beside: Beside) -> dict[str, object]:
    """The fields in which a further network differs from the model's own."""
    fields = {name: getattr(beside, name) for name in type(beside).model_fields}
    return {name: value for name, value in fields.items() if value not in {None, ()}}
