from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from training.data import Data
from training.model import Model
from training.reference import Answers, Reference, Teach


class FromModel(Reference):
    """What a network says that is trained first, on the same parts: any tap of it, an embedding too.

    The teacher is written out whole, so that the student's provenance holds it; its contract is not asked for. Of
    the outcome it says the logit of the probability: what its losses and sampling did is undone.
    """

    learns: ClassVar[bool] = True

    model: Model = Field(description="the teacher; it sees the columns of the student, and has its heads")
    tap: str = Field(description="of the teacher: a head or an embedding")

    def answers(self, parts: Mapping[str, Data], teach: Teach) -> Answers:
        del parts
        return teach(self.model, self.tap)
