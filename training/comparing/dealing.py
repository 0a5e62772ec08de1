"""Rows taken apart anew for each seed: to fit on, to stop by, and to judge by. Never those of the test part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.errors import BadStudy
from training.data import Data
from training.split import PARTS, ByGroup, Random, Shares, Split, group_places
from training.study import Study

Rows = NDArray[np.int64]
FIT, STOP, JUDGE = "training", "validation", "certification"
# For a search: what is judged is for choosing, and no promise rests on it.
SEARCHED = Shares(training=0.6, validation=0.15, certification=0.25, test=0.0)


@dataclass(frozen=True)
class Dealt:
    """Which rows of the pool are for what, in one seed."""

    seed: int
    fit: Rows
    stop: Rows
    judge: Rows


@dataclass(frozen=True)
class Pool:
    """The rows that may be dealt, and a number for the person of each of them [rows], from 0."""

    data: Data
    people: Rows

    def parts(self, dealt: Dealt) -> dict[str, Data]:
        """What a network is fitted on and stopped by."""
        return {FIT: chosen(self.data, dealt.fit), STOP: chosen(self.data, dealt.stop)}


def pool(study: Study, parts: Mapping[str, Data], names: Iterable[str] = (FIT, STOP, JUDGE)) -> Pool:
    """Some parts of a study in one, in the order of `names`; the test part may not be among them."""
    wanted = tuple(names)
    assert "test" not in wanted
    data = [parts[name] for name in wanted]
    table = pl.concat([each.table for each in data])
    images = [each.image for each in data if each.image is not None]
    people = group_places(table, study.split.group) if study.split.group else np.arange(table.height)
    joined = Data(
        columns=np.concatenate([each.columns for each in data]),
        labels={head: np.concatenate([each.labels[head] for each in data]) for head in data[0].labels},
        groups=people if study.split.group else None,
        image=np.concatenate(images) if images else None,
        table=table,
    )
    return Pool(joined, people.astype(np.int64))


def chosen(data: Data, rows: Rows) -> Data:
    """Some rows of a part."""
    return replace(
        data,
        columns=data.columns[rows],
        labels={head: label[rows] for head, label in data.labels.items()},
        groups=None if data.groups is None else data.groups[rows],
        image=None if data.image is None else data.image[rows],
        table=data.table[rows],
    )


def apart(pool: Pool, certified: Rows) -> Rows:
    """The rows of people of whom none is `certified` on, int64 [rows], in order.

    Raises BadStudy if there are none.
    """
    found = np.flatnonzero(~np.isin(pool.people, pool.people[certified]))
    if not len(found):
        raise BadStudy(
            "split.searched: should be above 0 to search for models: on what they are chosen by, none is certified."
        )
    return found


def deal(split: Split, pool: Pool, head: str, seed: int, *, judged: Rows | None = None) -> Dealt:
    """Take the pool apart as `split` does, with another seed.

    If there are rows that are to be `judged` by, these alone are, and all others are to fit on and to stop by.

    Raises BadStudy if a part is left without cases of both kinds.
    """
    targets = pool.data.labels[head].astype(np.int64)
    parts = split.parts(pool.data.table, targets, seed)
    # A split of one's own may still set aside a part for the test: here it is judged by.
    judge = np.sort(np.concatenate([parts[JUDGE], parts["test"]]))
    if judged is not None:
        rest = {FIT: np.sort(np.concatenate([parts[FIT], judge])), STOP: parts[STOP]}
        parts, judge = {name: np.setdiff1d(rows, judged) for name, rows in rest.items()}, judged
    for name, rows in ((FIT, parts[FIT]), (STOP, parts[STOP]), ("judged", judge)):
        if len(np.unique(targets[rows])) < 2:
            raise BadStudy(f"split: the {name} rows should hold cases of both kinds in seed {seed}, got {len(rows)}.")
    return Dealt(seed, parts[FIT], parts[STOP], judge)


def without_test(split: Split) -> Split:
    """The split of a study for rows of which those of the test are already gone: the other parts stay as large.

    >>> without_test(Random(shares=Shares(training=0.4, validation=0.2, certification=0.2, test=0.2))).shares
    Shares(training=0.5, validation=0.25, certification=0.25, test=0.0)
    """
    shares = getattr(split, "shares", None)
    if not isinstance(shares, Shares) or not shares.test or not shares.certification:
        return split
    left = 1 - shares.test
    kept = {name: getattr(shares, name) / left for name in PARTS[:3]}
    return split.model_copy(update={"shares": Shares(**kept, test=0.0)})


def for_search(study: Study) -> Split:
    """By chance, people kept together: within what a model may be chosen on, time does not count."""
    return ByGroup(column=study.split.group, shares=SEARCHED) if study.split.group else Random(shares=SEARCHED)


def dealt_in_words(dealt: tuple[Dealt, ...], *, grouped: bool) -> str:
    """How rows were dealt, seen from what came out."""
    first, *others = dealt
    whom = "all rows of a person in one part" if grouped else "a row a person"
    judged = all(np.array_equal(first.judge, other.judge) for other in others)
    if judged and all(np.array_equal(first.fit, other.fit) for other in others):
        return "The same rows in every seed, as the study splits them; only the luck of training differs."
    if judged:
        return f"The same later rows judged in every seed; those before dealt anew to fit and to stop by, {whom}."
    return f"Dealt anew in every seed to fit, to stop by and to judge, {whom}."
