"""Fulcrum as somebody uses it who tunes nothing: a CSV file, `fulcrum init`, `fulcrum train`, and the written files.

The development rows are all it is given. What it can not promise it refuses, and then everybody is flagged by the screen
and nobody by the pre-surgical model, as for the peers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
from numpy.typing import NDArray

from benchmarks.quality.fitted import CALLS, WARM, median_seconds
from benchmarks.quality.peer import Job, Peer
from benchmarks.quality.runs import Run, empty
from benchmarks.quality.scoring import CONFIDENCE, PRECISION, RECALL
from benchmarks.quality.splits import Rows
from benchmarks.quality.table import Table
from models.bundle import Bundle, open_bundle
from models.scorer import Scorer
from models.table import encode_table
from training.study import find_study

ROOT = Path(__file__).parents[2]
TARGET, GROUP = "is_sick", "patient_number"
# `fulcrum train` ends so if it refuses what it was given, and so if a contract could not be certified; it then writes
# the models whose contracts could.
REFUSED, UNREACHABLE = 3, 4
MODELS = ("screen", "presurgical")

# The same study with a promise that any table carries: a model whose contract is refused is not written, but how it
# ranks is measured all the same. Nothing else is different, and no certified figure comes from it.
RANKED = """
from models.contracts.recall import Recall
from training.study import find_study

asked = find_study("study.py")
easy = {"contract": Recall(at_least=0.5), "change_control": None}
study = asked.model_copy(update={"models": tuple(model.model_copy(update=easy) for model in asked.models)})
"""
# What one network of the usual kind takes for a row, exported the same way: a few epochs, for only its time is measured.
PLAIN = """
from models.contracts.recall import Recall
from training.losses.cost_weighted import CostWeighted
from training.networks.mlp import MLP
from training.split import ByGroup, Random
from training.study import Budget, Model, find_study
from training.term import Term

asked = find_study("study.py")
head, group = asked.outcome.name, asked.split.group
plain = Model(
    name="plain",
    purpose="How long one network takes.",
    network=MLP(hidden=(64, 64)),
    terms=(Term(on=head, against=head, by=CostWeighted()),),
    contract=Recall(at_least=0.1, confidence=0.6),
    budget=Budget(epochs=10, batch=64),
)
split = ByGroup(column=group) if group else Random()
study = asked.model_copy(update={"split": split, "models": (plain,)})
"""


@dataclass(frozen=True)
class Fulcrum(Peer):
    """`fulcrum init` and `fulcrum train`; the time is that of both commands, with both models and whatever they write."""

    def run(self, job: Job) -> Run:
        rows, sick = job.split, job.table.sick
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            written(job.table, rows.development).write_csv(place / "table.csv")
            begin = time.perf_counter()
            fulcrum(init(job.table), place)
            fulcrum(["train", "study.py"], place, may=(0, UNREACHABLE))
            seconds = time.perf_counter() - begin
            made = {name: bundle for name in MODELS if (bundle := there(place / "out" / "table" / name))}
            ranking = {name: made.get(name) or ranked(place, name, made) for name in MODELS}
            latency, plain = one_row(ranking["screen"], job, rows.test), plainly(place, job, rows.test)
        seen = written(job.table, rows.test)
        screen, presurgical = (Answers.of(ranking[name], seen) for name in MODELS)
        return Run(
            thresholds="bundle",
            test=screen.probabilities(refused=1.0),
            test_sick=sick[rows.test],
            seconds=seconds,
            bytes=len(ranking["screen"].graph),
            latency=latency,
            calibration=empty(np.float64),
            calibration_sick=empty(np.int64),
            presurgical=presurgical.probabilities(refused=0.0),
            flagged_screen=screen.positive(refused=True) | ("screen" not in made),
            flagged_presurgical=presurgical.positive(refused=False) & ("presurgical" in made),
            certified_screen="screen" in made,
            certified_presurgical="presurgical" in made,
            plain_latency=plain,
            refused_rows=int((~screen.good).sum()),
        )


def written(table: Table, rows: Rows) -> pl.DataFrame:
    """Rows as a hospital would export them: features, who is sick, and who the patient is where one has several rows."""
    frame = table.features[rows].with_columns(pl.Series(TARGET, np.where(table.sick[rows] == 1, "yes", "no")))
    return frame if table.groups is None else frame.with_columns(pl.Series(GROUP, table.groups[rows]))


def init(table: Table) -> list[str]:
    """The arguments of `fulcrum init` for the two contracts."""
    asked = ["init", "table.csv", "--target", TARGET, "--positive", "yes", "--out", "study.py"]
    asked += ["--recall", str(RECALL), "--precision", str(PRECISION), "--confidence", str(CONFIDENCE)]
    return asked if table.groups is None else [*asked, "--group", GROUP]


def fulcrum(arguments: Sequence[str], place: Path, may: tuple[int, ...] = (0,)) -> None:
    """Run a command of Fulcrum's in a folder.

    Raises RuntimeError with what it said if it ends with another exit code than it may.
    """
    known = os.environ.get("PYTHONPATH", "")
    done = subprocess.run(
        [sys.executable, "-m", "fulcrum", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *([known] if known else [])])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in may:
        said = f"{done.stdout}\n{done.stderr}".strip()
        raise RuntimeError(
            f"fulcrum {' '.join(arguments)}: should end with one of {may}, got {done.returncode}: {said}"
        )


def there(folder: Path) -> Bundle | None:
    """A bundle, or None if none was written."""
    return open_bundle(folder) if folder.exists() else None


def ranked(place: Path, name: str, made: dict[str, Bundle]) -> Bundle:
    """A model of this name to rank by, though its contract was refused: the other one if it learns the same."""
    study = find_study(str(place / "study.py"))
    own, *others = sorted(study.models, key=lambda model: model.name != name)
    said = ("name", "purpose", "contract", "alternatives", "change_control")
    for other in others:
        same = {field: getattr(own, field) for field in said}
        if other.name in made and other.model_copy(update=same) == own:
            return made[other.name]
    (place / "ranked.py").write_text(RANKED)
    fulcrum(["train", "ranked.py", "--only", name, "--out", "ranked"], place)
    return open_bundle(place / "ranked" / "table" / name)


def plainly(place: Path, job: Job, rows: Rows) -> float:
    """What one network of two layers of 64 takes for a row, on the same columns and exported by the same command.

    NaN if it learnt nothing of so little, which Fulcrum refuses to calibrate.
    """
    (place / "plain.py").write_text(PLAIN)
    fulcrum(["train", "plain.py", "--out", "plain"], place, may=(0, REFUSED, UNREACHABLE))
    bundle = there(place / "plain" / "table" / "plain")
    return one_row(bundle, job, rows) if bundle else float("nan")


def one_row(bundle: Bundle, job: Job, rows: Rows) -> float:
    """Seconds from the raw columns of one row to its decision, the median of many: onnxruntime with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(bundle.graph, options, providers=["CPUExecutionProvider"])
    encoded = encode_table(bundle.manifest.columns, written(job.table, rows))
    columns = np.resize(encoded.values[encoded.good], (WARM + CALLS, encoded.values.shape[1]))
    return median_seconds([lambda row=row: session.run(None, {"columns": row[None]}) for row in columns])


@dataclass(frozen=True)
class Answers:
    """What a bundle says of rows: `good` bool [rows] tells which keep its schema; the others get no answer."""

    good: NDArray[np.bool_]
    probability: NDArray[np.float64]
    flagged: NDArray[np.bool_]

    @classmethod
    def of(cls, bundle: Bundle, rows: pl.DataFrame) -> Answers:
        """Through the scorer, at the certified point; the arrays hold the good rows alone."""
        encoded = encode_table(bundle.manifest.columns, rows)
        scores = Scorer(bundle).score(encoded.accepted)
        return cls(encoded.good, scores.probability.astype(np.float64), scores.positive)

    def probabilities(self, refused: float) -> NDArray[np.float64]:
        """Of all rows; those that were refused get what is said."""
        return self._spread(self.probability, refused)

    def positive(self, *, refused: bool) -> NDArray[np.bool_]:
        """Of all rows; those that were refused are flagged or not, as is said: a person decides about them."""
        return self._spread(self.flagged, refused).astype(np.bool_)

    def _spread(self, values: NDArray[np.float64] | NDArray[np.bool_], otherwise: float) -> NDArray[np.float64]:
        found = np.full(len(self.good), float(otherwise))
        found[self.good] = values
        return found


peer = Fulcrum("Fulcrum, out of the box")
