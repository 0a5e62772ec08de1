from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.value import Member
from training.data import Data

if TYPE_CHECKING:  # a study holds terms, which hold this
    from training.study import Study


class Reference(Member):
    """What another model says of the same people, to be compared with: a teacher.

    Members name the model, and which of its outputs.
    """

    @abstractmethod
    def answers(self, study: Study, parts: Mapping[str, Data], *, seed: int) -> dict[str, NDArray[np.float32]]:
        """Its answers to the training and the validation part, float32 [rows] or [rows, width], by their names.

        Raises BadStudy, BadInput or BadBundle if it can not answer.
        """
