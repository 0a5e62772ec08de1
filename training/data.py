from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.inputs import Inputs


@dataclass(frozen=True)
class Data:
    """One part of a study's data.

    Columns [rows, columns] and images [rows, height, width, 3] if there are any, each head's labels [rows], the
    group of rows of one patient [rows] if any, the subgroup of each row [rows] by every grouping's column, and the
    rows of the table themselves, for what else is compared with.
    """

    columns: NDArray[np.float32]
    labels: Mapping[str, NDArray[np.float32]]
    groups: NDArray[np.int64] | None
    members: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    image: NDArray[np.uint8] | None = None
    table: pl.DataFrame = field(default_factory=pl.DataFrame)

    @property
    def inputs(self) -> Inputs:
        """What a graph or a network is asked with."""
        return Inputs(self.columns, self.image)
