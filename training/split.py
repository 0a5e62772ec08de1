"""Which cases are for training, validation, certification and test."""

from __future__ import annotations

import math
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

    Members give the rows of each part, in the order of the table. No row is in two parts, but for those of a
    CrossFit; rows in none are left out on purpose.
    """

    @property
    def group(self) -> str | None:
        """The column whose rows belong together (a patient's, say); None if each row stands for itself."""
        return None

    @property
    def crossing(self) -> CrossFit | None:
        """How rows are dealt into folds, if they are; None if other cases are certified on than those that teach."""
        return None

    def more(self, times: float) -> Split | None:
        """The same with so many times as many copies; None if there is but one network."""
        del times
        return None

    @property
    def copies(self) -> int:
        """How many copies of a network learn from different rows each; 1 if there is but one, which sees them all."""
        return 1 if self.crossing is None else self.crossing.folds * self.crossing.repeats

    @abstractmethod
    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        """The places of each part's rows, int64 [rows of the part], by the names of PARTS.

        Raises BadStudy if a column is missing or of no use for this.
        """

    def held(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> NDArray[np.bool_] | None:
        """Which copies of a network never see which rows of the training part, bool [rows, copies].

        None if every network sees them all, and others are certified on. `table` and `targets` are the whole ones,
        as for `parts`.
        """
        del table, targets, seed
        return None


class Random(Split):
    """By chance, with the same share of positives in each part."""

    shares: Shares = Shares()

    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        del table
        place = _dealt(targets, np.array(self.shares.all), np.random.default_rng(seed))
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
        groups, sick = _people(self.column, table, targets)
        one_row_a_group = pl.DataFrame({self.column: np.arange(len(sick))})
        parts = Random(shares=self.shares).parts(one_row_a_group, sick, seed)
        found = {name: np.flatnonzero(np.isin(groups, chosen)) for name, chosen in parts.items()}
        if self.certify_one_each:
            found["certification"] = _one_each(found["certification"], groups, np.random.default_rng(seed))
        return found


class CrossFit(Split):
    """Every row teaches, and is certified on by networks that never saw it.

    The rows are dealt into `folds`, `repeats` times over. For each fold a copy of a network learns from all other
    rows; what is delivered is the mean of all copies. A row's certified score is the mean of the copies that never
    saw it, so no part has to be set aside to certify on, and none to stop by: the training part holds the rows of the
    others, but for the test. Folds hold the same share of the sick.

    Source: Vovk, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 2015; Barber, Candes,
    Ramdas & Tibshirani, "Predictive inference with the jackknife+", Annals of Statistics 2021 (CV+).
    """

    folds: int = Field(5, ge=2, description="each copy learns from all of them but one")
    repeats: int = Field(2, ge=1, description="how often the rows are dealt anew")
    test: float = Field(0.0, ge=0, lt=1, description="share of the rows that no copy sees and nothing is certified on")
    column: str | None = Field(None, description="names the group of each row; all rows of a group are in one fold")
    certify_one_each: bool = Field(
        False, description="certify on one row of each group, drawn by chance, where rows of a group are alike"
    )
    searched: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the rows by which a search may choose: they teach, and nothing is certified on them",
    )

    @property
    def group(self) -> str | None:
        return self.column

    @property
    def crossing(self) -> CrossFit:
        return self

    @model_validator(mode="after")
    def _grouped(self) -> Self:
        if self.certify_one_each and self.column is None:
            raise ValueError("certify_one_each needs the column that names the group of each row, got none")
        return self

    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        groups, sick = _people(self.column, table, targets)
        shares = np.array([1 - self.test, self.test])
        of_person = _dealt(sick, shares, np.random.default_rng([seed, 0]))[groups]
        taught = np.flatnonzero(of_person == 0)
        # What a search may see is chosen by people too, apart from everything else.
        may = _dealt(sick, np.array([1 - self.searched, self.searched]), np.random.default_rng([seed, 1]))[groups]
        certified, searched = taught[may[taught] == 0], taught[may[taught] == 1]
        if self.certify_one_each:
            certified = _one_each(certified, groups, np.random.default_rng([seed, 2]))
        left = np.flatnonzero(of_person)
        return {"training": taught, "validation": searched, "certification": certified, "test": left}

    def held(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> NDArray[np.bool_]:
        """As described by the family.

        Raises BadStudy if a fold would hold no sick or no healthy case, or leave none.
        """
        rows = self.parts(table, targets, seed)["training"]
        groups, sick = _people(self.column, table[rows], targets[rows])
        shares = np.full(self.folds, 1 / self.folds)
        for kind, name in ((1, "sick"), (0, "healthy")):
            if (count := int((sick == kind).sum())) < self.folds:
                raise BadStudy(f"split.folds: should be {count} at most, with so many {name} cases, got {self.folds}.")
        held = []
        for repeat in range(self.repeats):
            fold = _dealt(sick, shares, np.random.default_rng([seed, 3, repeat]))[groups]
            held += [fold == number for number in range(self.folds)]
        return np.stack(held, axis=1)

    def more(self, times: float) -> CrossFit:
        """The same, dealt so many times as often: the mean of more copies."""
        return self.model_copy(update={"repeats": max(math.floor(self.repeats * times), 1)})


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

    @property
    def crossing(self) -> CrossFit | None:
        return self.before.crossing

    def more(self, times: float) -> ByDate | None:
        before = self.before.more(times)
        return None if before is None else self.model_copy(update={"before": before})

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        days = [day for day in (self.since, self.certify_from, self.test_from, self.until) if day]
        if any(early >= late for early, late in pairwise(days)):
            raise ValueError(f"since, certify_from, test_from and until should rise, got {', '.join(map(str, days))}")
        return self

    def parts(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> dict[str, Rows]:
        early = self._early(table)
        parts = {name: early[rows] for name, rows in self.before.parts(table[early], targets[early], seed).items()}
        later = {"test": self._between(table, self.test_from, self.until)}
        if self.certify_from:
            later["certification"] = self._between(table, self.certify_from, self.test_from)
        for name, rows in later.items():
            if len(parts[name]):
                raise BadStudy(f"split.before: its {name} share should be 0, that part being the later rows.")
            parts[name] = rows
        return self._once(table, parts, [name for name in PARTS if name in later])

    def held(self, table: pl.DataFrame, targets: NDArray[np.int64], seed: int) -> NDArray[np.bool_] | None:
        early = self._early(table)
        return self.before.held(table[early], targets[early], seed)

    def _early(self, table: pl.DataFrame) -> Rows:
        """The rows that `before` takes apart."""
        return self._between(table, self.since, self.certify_from or self.test_from)

    def _between(self, table: pl.DataFrame, first: date, end: date) -> Rows:
        """The rows from the first day on and before the other.

        Raises BadStudy if a row holds no date.
        """
        dates = _column(table, self.column)
        if isinstance(dates.dtype, pl.String):
            dates = dates.str.to_date(strict=False)
        if not isinstance(dates.dtype, (pl.Date, pl.Datetime)) or dates.null_count():
            raise BadStudy(f"split.column: {self.column} should hold a date in every row.")
        return dates.cast(pl.Date).is_between(first, end, closed="left").arg_true().to_numpy().astype(np.int64)

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


def _dealt(kinds: NDArray[np.int64], shares: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.int64]:
    """Which of some parts each case goes to, [cases], by chance, with the same share of both kinds in each part."""
    place = np.empty(len(kinds), dtype=np.int64)
    for kind in (0, 1):
        of_kind = np.flatnonzero(kinds == kind)
        place[random.permutation(of_kind)] = np.searchsorted(
            np.cumsum(shares)[:-1], (np.arange(len(of_kind)) + 0.5) / max(len(of_kind), 1), side="right"
        )
    return place


def _people(column: str | None, table: pl.DataFrame, targets: NDArray[np.int64]) -> tuple[Rows, NDArray[np.int64]]:
    """The group of each row [rows], and which groups are sick [groups]: those of which any row is.

    Dealt by these, each part gets its share of sick groups. Without a column each row is a group.
    """
    groups = np.arange(table.height) if column is None else group_places(table, column)
    sick = np.zeros(int(groups.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(sick, groups, targets)
    return groups, sick


def _one_each(rows: Rows, groups: Rows, random: np.random.Generator) -> Rows:
    """Of some rows one of each group, by chance, in the order of the table."""
    order = random.permutation(rows)
    _, first = np.unique(groups[order], return_index=True)
    return np.sort(order[first])


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
