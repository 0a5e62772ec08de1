from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.value import Member, Value
from training.data import Data

Answers = dict[str, NDArray[np.float32]]
# Trains a model of the study at hand on the parts at hand, and gives what one of its taps then says of them.
Teach = Callable[[Value, str], Answers]


class Reference(Member):
    """What another model says of the same people, to be compared with: a teacher.

    Members name the model, and which of its outputs.
    """

    # Whether it learns from the study's own training part.
    learns: ClassVar[bool] = False

    @abstractmethod
    def answers(self, parts: Mapping[str, Data], teach: Teach) -> Answers:
        """Its answers to the training and the validation part, float32 [rows] or [rows, width], by their names.

        Raises BadStudy, BadInput or BadBundle if it can not answer.
        """
