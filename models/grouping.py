"""Named subgroups of people, for whom figures are stated and promises can be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from models.curve import Curve
from models.errors import BadInput, Refusal
from models.schema import Binary, Categorical, Schema
from models.subgroup import Subgroup
from models.value import Value

if TYPE_CHECKING:
    import polars as pl

NOT_KNOWN = "not known"


class Grouping(Value):
    """The people by what one column says: its categories, or its numbers cut into ranges.

    The column may be one the model sees, or another one of the table.
    """

    column: str
    cuts: tuple[float, ...] = Field((), description="numbers are cut at these: below the first, from it on, ...")

    @field_validator("cuts")
    @classmethod
    def _rising(cls, cuts: tuple[float, ...]) -> tuple[float, ...]:
        if any(low >= high for low, high in pairwise(cuts)):
            raise ValueError(f"should rise, got {', '.join(map(str, cuts))}")
        return cuts

    def members(self, schema: Schema, columns: NDArray[np.float32], table: pl.DataFrame) -> NDArray[np.str_]:
        """The group of each row, str [rows], from encoded columns [rows, columns] and the table they are of.

        Raises BadInput if the column is in neither, or is to be cut and holds no numbers.
        """
        column = schema.by_name.get(self.column)
        if column is None and self.column not in table.columns:
            raise BadInput([Refusal("groupings", f"{self.column} should be a column of the table", "none")])
        if self.cuts and isinstance(column, Categorical | Binary):
            raise BadInput([Refusal("groupings", f"{self.column} holds no numbers and should have no cuts", "some")])
        if self.cuts:
            numbers = columns[:, schema.names.index(self.column)] if column else _numbers(table[self.column])
            return self._cut(numbers.astype(np.float64))
        if column is None:
            import polars as pl  # noqa: PLC0415  # who serves has no table

            return np.array(table[self.column].cast(pl.String).fill_null(NOT_KNOWN).to_list(), dtype=str)
        cells = columns[:, schema.names.index(self.column)]
        if isinstance(column, Categorical):
            names = [*column.categories, NOT_KNOWN]
        elif isinstance(column, Binary):
            names = ["no", "yes", NOT_KNOWN]
        else:
            raise BadInput([Refusal("groupings", f"{self.column} holds numbers and should have cuts", "none")])
        places = np.where(np.isnan(cells), len(names) - 1, np.nan_to_num(cells)).astype(int)
        return np.asarray(np.array(names)[places])

    def _cut(self, numbers: NDArray[np.float64]) -> NDArray[np.str_]:
        between = [f"{low:g} to under {high:g}" for low, high in pairwise(self.cuts)]
        names = [f"under {self.cuts[0]:g}", *between, f"{self.cuts[-1]:g} and more", NOT_KNOWN]
        places = np.where(np.isnan(numbers), len(names) - 1, np.digitize(numbers, self.cuts))
        return np.array(names)[places]


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    import polars as pl  # noqa: PLC0415  # the same

    try:
        return column.cast(pl.Float64).to_numpy()
    except pl.exceptions.InvalidOperationError as error:
        raise BadInput([Refusal(f"groupings.{column.name}", "should hold numbers, as it is cut", str(error))]) from None


def subgroups(
    members: Mapping[str, NDArray[np.str_]],
    probabilities: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    prevalence: float,
) -> tuple[Subgroup, ...]:
    """The curve of every subgroup: `members` names the group of each row [rows], a grouping's column each."""
    return tuple(
        Subgroup(
            column=column,
            value=str(value),
            curve=Curve.of(probabilities[names == value], targets[names == value], prevalence=prevalence),
        )
        for column, names in members.items()
        for value in np.unique(names)
    )


def curves(groups: Sequence[Subgroup]) -> dict[str, Curve]:
    """The curves by the name of their subgroup, `column=value`."""
    return {f"{group.column}={group.value}": group.curve for group in groups}
