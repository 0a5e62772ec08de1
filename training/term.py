from __future__ import annotations

from pydantic import Field

from models.value import Value
from training.loss import Loss

WEIGHTS = "weights"


class Term(Value):
    """One pull on the network: what it produces, what that is compared with, how, and how hard.

    Terms on rows count as a share of what the best constant answer would cost, averaged over the rows that have
    a label; so prices do not change the speed of learning, and `weight` compares terms of different units. Terms
    compared with nothing are summed as they are: they do not depend on the batch.
    """

    on: str = Field(description="a tap: any head, any embedding by name, or `weights`")
    against: str | None = Field(None, description="the target or a symptom by name; None for nothing")
    by: Loss
    weight: float = Field(1.0, ge=0)
