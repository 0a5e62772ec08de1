"""Which cases are for training, validation, certification and test."""

from __future__ import annotations

from abc import abstractmethod
from datetime import date
from itertools import pairwise
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from models.errors import BadStudy
from models.value import Member, Value

PARTS = ("training", "validation", "certification", "test")
Rows = NDArray[np.int64]


class Shares(Value):
    """Share of the cases in each part."""

    training: float = Field(0.5, gt=0)
    validation: float = Field(0.15, gt=0)
    certification: float = Field(0.2, ge=0)
    test: float = Field(0.15, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(sum(self.all) - 1) > 1e-9:
            raise ValueError(f"shares should add up to 1, got {sum(self.all):g}")
        return self

    @property
    def all(self) -> tuple[float, ...]:
        """In the order of PARTS."""
        return self.training, self.validation, self.certification, self.test


class Split(Member):
    """A way to take the rows of a table apart.

    Members give the rows of each part, in the order of the table. No row is in two parts; rows in none are
    left out on purpose.
    """

    @property
    def group(self) -> str | None:
        """The column whose rows belong together (a patient's, say); None if each row stands for itself."""
        return None

    @abstractmethod
    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        """The places of each part's rows, int64 [rows of the part], by the names of PARTS.

        Raises BadStudy if a column is missing or of no use for this.
        """


class Random(Split):
    """By chance, with the same share of positives in each part."""

    shares: Shares = Shares()

    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        random = np.random.default_rng(seed)
        place = np.empty(table.height, dtype=np.int64)
        for kind in (0, 1):
            of_kind = np.flatnonzero(targets == kind)
            place[random.permutation(of_kind)] = np.searchsorted(
                np.cumsum(self.shares.all)[:-1], (np.arange(len(of_kind)) + 0.5) / max(len(of_kind), 1), side="right"
            )
        return {name: np.flatnonzero(place == number) for number, name in enumerate(PARTS)}


class ByGroup(Split):
    """By chance, all rows of one group (a patient, a household) in one part."""

    column: str = Field(description="names the group of each row")
    shares: Shares = Shares()
    certify_one_each: bool = Field(
        False,
        description="certify on one row of each group, drawn by chance: a promise is about cases that do not depend on"
        " each other, as two eyes of a patient do",
    )

    @property
    def group(self) -> str:
        return self.column

    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        groups = group_places(table, self.column)
        # A group is sick if any of its rows is, so that each part gets its share of sick groups.
        sick = np.zeros(len(np.unique(groups)), dtype=np.int64)
        np.maximum.at(sick, groups, targets)
        one_row_a_group = pl.DataFrame({self.column: np.arange(len(sick))})
        parts = Random(shares=self.shares).parts(one_row_a_group, sick, seed)
        found = {name: np.flatnonzero(np.isin(groups, chosen)) for name, chosen in parts.items()}
        if self.certify_one_each:
            order = np.random.default_rng(seed).permutation(found["certification"])
            _, first = np.unique(groups[order], return_index=True)
            found["certification"] = np.sort(order[first])
        return found


class ByDate(Split):
    """The test part is a later time: from `test_from` to `until`; rows before `since` and from `until` on are left out.

    With `certify_from` the certification part is the time just before the test: a threshold is then certified on
    the cases that are nearest to those it will meet. The rows before are taken apart by `before`; if that is by group,
    rows of a group that was seen before are left out of the later parts.
    """

    column: str = Field(description="holds the date of each row")
    since: date
    certify_from: date | None = None
    test_from: date
    until: date = Field(description="first day that is no longer used")
    before: Split

    @property
    def group(self) -> str | None:
        return self.before.group

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        days = [day for day in (self.since, self.certify_from, self.test_from, self.until) if day]
        if any(early >= late for early, late in pairwise(days)):
            raise ValueError(f"since, certify_from, test_from and until should rise, got {', '.join(map(str, days))}")
        return self

    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        dates = _column(table, self.column)
        if isinstance(dates.dtype, pl.String):
            dates = dates.str.to_date(strict=False)
        if not isinstance(dates.dtype, (pl.Date, pl.Datetime)) or dates.null_count():
            raise BadStudy(f"split.column: {self.column} should hold a date in every row.")
        days = dates.cast(pl.Date)

        def between(first: date, end: date) -> Rows:
            return days.is_between(first, end, closed="left").arg_true().to_numpy().astype(np.int64)

        early = between(self.since, self.certify_from or self.test_from)
        parts = {name: early[rows] for name, rows in self.before.parts(table[early], targets[early], seed).items()}
        later = {"test": between(self.test_from, self.until)}
        if self.certify_from:
            later["certification"] = between(self.certify_from, self.test_from)
        for name, rows in later.items():
            if len(parts[name]):
                raise BadStudy(f"split.before: its {name} share should be 0, that part being the later rows.")
            parts[name] = rows
        return self._once(table, parts, [name for name in PARTS if name in later])

    def _once(self, table: pl.DataFrame, parts: dict[str, Rows], later: list[str]) -> dict[str, Rows]:
        """Each group in one part: rows of a group that an earlier part has are left out of the later ones."""
        if self.group is None:
            return parts
        used = np.concatenate([parts[name] for name in PARTS])
        groups = np.zeros(table.height, dtype=np.int64)
        groups[used] = group_places(table[used], self.group)
        for name in later:
            earlier = np.concatenate([parts[other] for other in PARTS[: PARTS.index(name)]])
            parts[name] = parts[name][~np.isin(groups[parts[name]], groups[earlier])]
        return parts


def group_places(table: pl.DataFrame, column: str) -> Rows:
    """A number for the group of each row, int64 [rows], from 0, in the order of the groups' names.

    Raises BadStudy if the column is missing, or a row does not say to which group it belongs.
    """
    names = _column(table, column)
    if names.null_count():
        raise BadStudy(f"split.column: {column} should be known in every row, got {names.null_count()} empty.")
    return np.unique(names.rank("dense").to_numpy(), return_inverse=True)[1].astype(np.int64)


def _column(table: pl.DataFrame, name: str) -> pl.Series:
    if name not in table.columns:
        raise BadStudy(f"split.column: should be a column of the table ({', '.join(table.columns)}), got {name}.")
    return table[name]
