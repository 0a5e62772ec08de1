from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models.errors import BadStudy
from training.data import Data
from training.model import Model
from training.reference import Reference

if TYPE_CHECKING:
    from training.study import Study


class FromModel(Reference):
    """What a network says that is trained first, on the same parts: any tap of it, an embedding too.

    The teacher is written out whole, so that the student's provenance holds it; its contract is not asked for. Of
    the outcome it says the logit of the probability: what its losses and sampling did is undone.
    """

    model: Model = Field(description="the teacher; it sees the columns of the student, and has its heads")
    tap: str = Field(description="of the teacher: a head or an embedding")

    def answers(self, study: Study, parts: Mapping[str, Data], *, seed: int) -> dict[str, NDArray[np.float32]]:
        from training.taught import taught  # noqa: PLC0415  # a teacher may have a teacher
        from training.undo import undo  # noqa: PLC0415  # the same

        if self.tap not in (taps := (*self.model.network.tap_names(), *study.heads)):
            raise BadStudy(f"teacher.tap: should be one of {', '.join(taps)}, got {self.tap}.")
        fitted = taught(study, self.model, parts, seed=seed)
        outcome, found = study.outcome.name, {}
        made = undo(self.model, outcome, parts["training"].labels[outcome], fitted.pull)
        for name in ("training", "validation"):
            answer = fitted.net.answers(parts[name].inputs, (self.tap,))[self.tap].numpy()
            found[name] = np.asarray(made.logits(answer) if self.tap == outcome else answer, dtype=np.float32)
        return found
