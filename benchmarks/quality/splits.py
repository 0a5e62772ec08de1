"""Which rows are learnt from, calibrated on and tested on: fixed, so that figures of other programs stand beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from benchmarks.quality.table import Table

REPEATS = 5
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Rows of a table, int64 each, rising; no row and no patient is in two parts."""

    fit: Rows
    calibration: Rows
    test: Rows

    @property
    def development(self) -> Rows:
        """Whatever is not tested on."""
        return np.sort(np.concatenate([self.fit, self.calibration]))


# Dealing thousands of patients evenly takes half a minute, and every peer asks for the same.
_KNOWN: dict[tuple[object, ...], Split] = {}
_FOLDS: dict[tuple[object, ...], list[tuple[Rows, Rows]]] = {}


def split(table: Table, repeat: int) -> Split:
    """The rows of a repeat, dealt once in a process."""
    key = (*_told(table), repeat)
    if key not in _KNOWN:
        _KNOWN[key] = dealt(table, repeat)
    return _KNOWN[key]


def folds(table: Table, rows: Rows, repeat: int, count: int = 5) -> list[tuple[Rows, Rows]]:
    """`rows` dealt into folds, once in a process: (to learn from, held out) each, by patient, the sick evenly."""
    key = (*_told(table), rows.tobytes(), repeat, count)
    if key not in _FOLDS:
        _FOLDS[key] = _dealt_into(table, rows, repeat, count)
    return _FOLDS[key]


def _told(table: Table) -> tuple[object, ...]:
    """All that dealing looks at."""
    groups, later = (None if each is None else tuple(each.tolist()) for each in (table.groups, table.later))
    return table.sick.tobytes(), groups, later


def dealt(table: Table, repeat: int) -> Split:
    """49 % to fit, 21 % to calibrate, 30 % to test, in the shares of the sick, by patient where there are several rows.

    Where rows are dated the test is the later period, and the others are split 80 to 20.
    """
    rows, sick = np.arange(len(table)), table.sick
    if table.later is not None:
        early, test = rows[~table.later], rows[table.later]
        fit, calibration = train_test_split(early, test_size=0.2, stratify=sick[early], random_state=100 + repeat)
    elif table.groups is not None:
        tenths = StratifiedGroupKFold(10, shuffle=True, random_state=repeat).split(rows, sick, table.groups)
        parts = [part for _, part in tenths]
        test, calibration, fit = (np.concatenate(parts[a:b]) for a, b in ((0, 3), (3, 5), (5, 10)))
    else:
        rest, test = train_test_split(rows, test_size=0.3, stratify=sick, random_state=repeat)
        fit, calibration = train_test_split(rest, test_size=0.3, stratify=sick[rest], random_state=1000 + repeat)
    return Split(np.sort(fit), np.sort(calibration), np.sort(test))


def _dealt_into(table: Table, rows: Rows, repeat: int, count: int) -> list[tuple[Rows, Rows]]:
    if table.groups is None:
        parts = StratifiedKFold(count, shuffle=True, random_state=repeat).split(rows, table.sick[rows])
    else:
        parts = StratifiedGroupKFold(count, shuffle=True, random_state=repeat).split(
            rows, table.sick[rows], table.groups[rows]
        )
    return [(rows[learnt], rows[held]) for learnt, held in parts]
