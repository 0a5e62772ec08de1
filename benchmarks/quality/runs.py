"""A run: what one peer said of one table at one repeat, kept as one file."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

# hold-out: calibrated on rows that no model saw. out-of-fold: on rows that a part of the models saw.
# tuned, bundle: thresholds come with the model, and there are no calibration scores (empty arrays).
Thresholds = Literal["hold-out", "out-of-fold", "tuned", "bundle"]


@dataclass(frozen=True)
class Run:
    """Scores are probabilities, float64 [rows]; labels int64 [rows] in {0, 1}.

    `calibration` and `calibration_sick` are what thresholds are read off, empty if the thresholds come with the model.
    `presurgical` are the scores of the test rows by a model for the second contract, empty if it is the same one.
    `flagged_screen` and `flagged_presurgical` bool [test rows] are the decisions of models that decide themselves.
    `certified_screen` and `certified_presurgical` say whether such a model made that promise.
    `seconds` is the wall time of fitting; `bytes` what is kept; `latency` the seconds of one row, NaN if not measured.
    """

    thresholds: Thresholds
    test: NDArray[np.float64]
    test_sick: NDArray[np.int64]
    seconds: float
    bytes: int
    latency: float
    calibration: NDArray[np.float64]
    calibration_sick: NDArray[np.int64]
    presurgical: NDArray[np.float64]
    flagged_screen: NDArray[np.bool_]
    flagged_presurgical: NDArray[np.bool_]
    certified_screen: bool = False
    certified_presurgical: bool = False
    plain_latency: float = float("nan")
    refused_rows: int = 0

    def write(self, file: Path) -> None:
        """Write it whole or not at all."""
        beside = file.with_name(f".{file.name}.{os.getpid()}.npz")
        np.savez_compressed(beside, **asdict(self))
        beside.replace(file)

    @classmethod
    def read(cls, file: Path) -> Self:
        with np.load(file) as kept:
            fields: dict[str, Any] = {name: kept[name] for name in kept.files}
        return cls(**{name: value.item() if value.ndim == 0 else value for name, value in fields.items()})


def empty(kind: type) -> NDArray[Any]:
    """No rows."""
    return np.zeros(0, dtype=kind)


def held_out(
    thresholds: Thresholds,
    *,
    calibration: NDArray[np.float64],
    calibration_sick: NDArray[np.int64],
    test: NDArray[np.float64],
    test_sick: NDArray[np.int64],
    seconds: float,
    size: int,
    latency: float,
) -> Run:
    """A run of a model whose thresholds are read off its calibration scores."""
    return Run(
        thresholds=thresholds,
        test=test,
        test_sick=test_sick,
        seconds=seconds,
        bytes=size,
        latency=latency,
        calibration=calibration,
        calibration_sick=calibration_sick,
        presurgical=empty(np.float64),
        flagged_screen=empty(np.bool_),
        flagged_presurgical=empty(np.bool_),
    )


def file_of(folder: Path, table: str, repeat: int, peer: str) -> Path:
    """Where a run is kept."""
    return folder / f"{table}__{repeat}__{peer}.npz"


def told_by(file: Path) -> tuple[str, int, str]:
    """Table, repeat and peer of a file.

    >>> told_by(Path("out/quality/pima__0__lr.npz"))
    ('pima', 0, 'lr')
    """
    table, repeat, peer = file.stem.split("__")
    return table, int(repeat), peer
