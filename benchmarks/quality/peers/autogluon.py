"""AutoGluon as it comes, for as long as Fulcrum took on the same rows at most; in an environment of its own.

`make bench-quality` makes that environment; AUTOGLUON_PYTHON names the Python of another one.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.quality.peer import Job, Peer
from benchmarks.quality.runs import Run, held_out
from models.errors import NoData

PROGRAM = Path(__file__).parents[1] / "autogluon_fit.py"
TARGET = "is_sick"


def python() -> Path:
    """The Python of AutoGluon's environment.

    Raises NoData if there is none.
    """
    found = Path(os.environ.get("AUTOGLUON_PYTHON", ".venv-autogluon/bin/python")).absolute()
    if not found.exists():
        raise NoData(f"{found}: should be a Python that has AutoGluon: make .venv-autogluon/.ready.")
    return found


@dataclass(frozen=True)
class AutoGluon(Peer):
    """It holds rows out for itself; the calibration rows stay unseen. `presets` are one of its own names."""

    presets: str

    @property
    def needs(self) -> tuple[str, ...]:
        return ("fulcrum",)

    def run(self, job: Job) -> Run:
        rows, sick = job.split, job.table.sick
        asked = np.concatenate([rows.calibration, rows.test])
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            fit = job.table.features[rows.fit].with_columns(pl.Series(TARGET, sick[rows.fit]))
            fit.write_csv(place / "fit.csv")
            job.table.features[asked].write_csv(place / "asked.csv")
            given = [str(place), str(job.of("fulcrum").seconds), str(job.seed), self.presets]
            done = subprocess.run([python(), PROGRAM, *given], capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"AutoGluon ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
            scores = pl.read_csv(place / "scores.csv")["probability"].to_numpy().astype(np.float64)
            told = json.loads((place / "told.json").read_text())
        return held_out(
            "hold-out",
            calibration=scores[: len(rows.calibration)],
            calibration_sick=sick[rows.calibration],
            test=scores[len(rows.calibration) :],
            test_sick=sick[rows.test],
            seconds=told["seconds"],
            size=told["bytes"],
            latency=told["latency"],
        )


peer = AutoGluon("AutoGluon, as it comes", "medium_quality")
