"""Rows as a graph takes them: the columns, and the photograph of each row where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chosen = slice | NDArray[np.bool_] | NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Inputs:
    """`columns` float32 [rows, columns], NaN where a cell is empty; `image` uint8 [rows, height, width, 3] or None.

    `proven` says that all rows were shown to keep the schema, so that a graph need not look again.

    Raises ValueError if they do not have as many rows.

    >>> rows = Inputs(np.zeros((3, 2), np.float32), np.zeros((3, 8, 8, 3), np.uint8))
    >>> len(rows), rows[1:].image.shape
    (3, (2, 8, 8, 3))
    """

    columns: NDArray[np.float32]
    image: NDArray[np.uint8] | None = None
    proven: bool = False

    def __post_init__(self) -> None:
        if self.image is not None and len(self.image) != len(self.columns):
            raise ValueError(f"Expected as many rows, got columns {self.columns.shape}, image {self.image.shape}.")

    @classmethod
    def of(cls, rows: Inputs | NDArray[np.float32]) -> Inputs:
        """Rows as they are, or columns alone as rows."""
        return rows if isinstance(rows, Inputs) else cls(rows)

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, chosen: Chosen) -> Inputs:
        """Some of the rows, by a slice, a mask bool [rows] or places int [any]."""
        return Inputs(self.columns[chosen], None if self.image is None else self.image[chosen], self.proven)
