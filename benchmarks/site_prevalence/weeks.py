"""The shipped bundles in the weeks of April 2020, as if nobody knew who was sick."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from models.bundle import Bundle, open_bundle
from models.intervals import Estimate, wilson
from models.likelihood_ratio import NotIdentified
from models.prevalence import PrevalenceEstimate, estimate
from models.scorer import Scorer
from models.table import encode_table
from training.sources.covid import CovidTests

WEEKS = ((1, 7), (8, 14), (15, 21), (22, 30))
# Of the second week: few enough that its labels could be had.
SITE_ROWS, SITE_WEEK = 3_000, WEEKS[1]
CONTRACT = "precision >= 0.6 at prevalence 6 %"
WIDTH = "104"


@dataclass(frozen=True)
class Week:
    """What one bundle says of one week, beside what was true."""

    bundle: str
    days: tuple[int, int]
    rows: int
    share: float
    found: PrevalenceEstimate | None
    recall: Estimate


def people() -> pl.DataFrame:
    """Everybody tested in April.

    Raises NoData where they can not be had.
    """
    rows = CovidTests().read().rows
    return rows.filter(pl.col("test_date").dt.month() == 4)


def week(bundle: Bundle, rows: pl.DataFrame, days: tuple[int, int]) -> Week:
    """Tell the prevalence of some days, and measure the released point on them."""
    some = rows.filter(pl.col("test_date").is_between(date(2020, 4, days[0]), date(2020, 4, days[1])))
    scores = Scorer(bundle).score(encode_table(bundle.manifest.columns, some).values)
    sick = (some["result"] == "positive").to_numpy()
    try:
        found = estimate(scores.probability, bundle.manifest.curve)
    except NotIdentified:
        found = None
    recall = wilson(int((scores.positive & sick).sum()), int(sick.sum()))
    return Week(bundle.name, days, some.height, float(sick.mean()), found, recall)


def weeks(rows: pl.DataFrame, folders: Sequence[Path]) -> list[Week]:
    """Every week with every bundle."""
    return [week(open_bundle(folder), rows, days) for folder in folders for days in WEEKS]


def transcript(rows: pl.DataFrame, bundle: Path) -> list[str]:
    """What a person at a site types, and reads: with labels, and without."""
    first, last = (date(2020, 4, day) for day in SITE_WEEK)
    some = (
        rows.filter(pl.col("test_date").is_between(first, last)).sample(SITE_ROWS, seed=1).drop("test_date", "abroad")
    )
    name = bundle.name
    labelled = f'fulcrum tune {name} north.csv --target result --positive positive --contract "{CONTRACT}"'
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(bundle, Path(folder) / name)
        some.write_csv(Path(folder) / "north.csv")
        some.drop("result").write_csv(Path(folder) / "april.csv")
        return [line for command in (labelled, f"fulcrum tune {name} april.csv") for line in _typed(command, folder)]


def _typed(command: str, folder: str) -> list[str]:
    done = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=True, env=_environment()
    )
    said = done.stdout.replace(f"{Path(folder).resolve()}/", "")
    return [f"$ {command}", *(line.rstrip() for line in said.splitlines()), ""]


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": WIDTH, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
