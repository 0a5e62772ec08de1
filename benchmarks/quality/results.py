"""All runs that there are -> one row of figures each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.quality import scoring
from benchmarks.quality.runs import Run, told_by
from benchmarks.quality.scoring import AtThreshold

# Cells that hold no figure: a promise that was not made, a figure that this kind of model has not.
Figures = dict[str, float | int | bool | str | None]


def collect(folder: Path) -> pl.DataFrame:
    """Figures of all runs in a folder, by table, repeat and peer."""
    rows = []
    for file in sorted(folder.glob("*__*__*.npz")):
        if file.name.startswith("."):
            continue
        table, repeat, peer = told_by(file)
        rows.append({"table": table, "repeat": repeat, "peer": peer, **figures(Run.read(file))})
    return pl.DataFrame(rows, infer_schema_length=None)


def figures(run: Run) -> Figures:
    """Everything that is said of one run; all of it on its test rows.

    `screen` columns are of the contract recall >= 0.95, `presurgical` ones of precision >= 0.9. A `kept` that is None
    is a run in which nothing was promised, or nobody flagged.
    """
    test, sick = run.test, run.test_sick
    second = run.presurgical if len(run.presurgical) else test
    found: Figures = {
        "area": scoring.area(test, sick),
        "partial_area": scoring.partial_area(test, sick),
        "oracle_specificity": scoring.oracle_specificity(test, sick),
        "oracle_recall": scoring.oracle_recall(second, sick),
        "brier": scoring.brier(test, sick),
        "observed_to_expected": scoring.observed_to_expected(test, sick),
    }
    found |= _mapped(run)
    for way, decisions in (("naive", naive(run)), ("certified", certified(run))):
        found |= _at(way, decisions, sick)
    return found | {
        "thresholds": run.thresholds,
        "calibration_sick": int(run.calibration_sick.sum()),
        "seconds": run.seconds,
        "bytes": run.bytes,
        "latency": run.latency,
        "plain_latency": None if math.isnan(run.plain_latency) else run.plain_latency,
        "refused_rows": run.refused_rows,
    }


@dataclass(frozen=True)
class Decisions:
    """Who is flagged under each contract, bool [test rows], and whether a promise stands behind it."""

    screen: NDArray[np.bool_]
    presurgical: NDArray[np.bool_]
    screen_promised: bool
    presurgical_promised: bool


def naive(run: Run) -> Decisions | None:
    """By the threshold that just keeps the contract on the calibration cases; for tuned thresholds those that came out.

    None for a bundle, which carries certified thresholds alone.
    """
    if run.thresholds == "bundle":
        return None
    if run.thresholds == "tuned":
        return Decisions(run.flagged_screen, run.flagged_presurgical, True, bool(run.flagged_presurgical.any()))
    screen = scoring.naive_recall_threshold(run.calibration, run.calibration_sick)
    presurgical = scoring.naive_precision_threshold(run.calibration, run.calibration_sick)
    return Decisions(run.test >= screen, run.test >= presurgical, True, presurgical < scoring.FLAG_NOBODY)


def certified(run: Run) -> Decisions | None:
    """By the threshold that is certified at confidence 0.9; None for tuned thresholds, which nothing certifies."""
    if run.thresholds == "tuned":
        return None
    if run.thresholds == "bundle":
        return Decisions(run.flagged_screen, run.flagged_presurgical, run.certified_screen, run.certified_presurgical)
    screen = scoring.certified_recall_threshold(run.calibration, run.calibration_sick)
    presurgical = scoring.certified_precision_threshold(run.calibration, run.calibration_sick)
    return Decisions(
        run.test >= screen,
        run.test >= presurgical,
        screen > scoring.FLAG_EVERYBODY,
        presurgical < scoring.FLAG_NOBODY,
    )


def _at(way: str, decisions: Decisions | None, sick: NDArray[np.int64]) -> Figures:
    names = ("specificity", "screen_recall", "screen_kept", "recall", "precision", "presurgical_kept")
    if decisions is None:
        return dict.fromkeys(f"{way}_{name}" for name in names)
    screen, presurgical = AtThreshold.of(decisions.screen, sick), AtThreshold.of(decisions.presurgical, sick)
    found: Figures = {
        "specificity": screen.specificity,
        "screen_recall": screen.recall,
        "screen_kept": screen.keeps_recall if decisions.screen_promised else None,
        "recall": presurgical.recall,
        "precision": None if math.isnan(presurgical.precision) else presurgical.precision,
        "presurgical_kept": presurgical.keeps_precision
        if decisions.presurgical_promised and decisions.presurgical.any()
        else None,
    }
    return {f"{way}_{name}": found[name] for name in names}


def _mapped(run: Run) -> Figures:
    """Probabilities after Platt's map, fitted on the calibration scores; a bundle's are mapped inside its graph."""
    if not len(run.calibration):
        return {"brier_mapped": None, "observed_to_expected_mapped": None}
    mapped = scoring.platt(run.calibration, run.calibration_sick, run.test)
    return {
        "brier_mapped": scoring.brier(mapped, run.test_sick),
        "observed_to_expected_mapped": scoring.observed_to_expected(mapped, run.test_sick),
    }
