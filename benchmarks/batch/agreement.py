"""Do all programs say the same of everybody? Answers are joined by `id` and compared row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

Answers = pl.DataFrame


def answers(target: Path, symptoms: tuple[str, ...]) -> Answers:
    """What a program wrote, a file or a folder of files, in the order in which it is read."""
    wanted = ["id", "probability", "positive", "decision", *symptoms]
    if target.suffix == ".csv":
        numbers = dict.fromkeys(("probability", *symptoms), pl.Float32)
        frame = pl.read_csv(target, columns=wanted, schema_overrides={**numbers, "positive": pl.String})
        return frame.select(wanted).with_columns(pl.col("positive").str.to_lowercase() == "true")
    files = sorted(target.rglob("*.parquet")) if target.is_dir() else [target]
    return pl.concat([pl.read_parquet(file, columns=wanted).select(wanted) for file in files])


def compared(found: Answers, known: Answers, symptoms: tuple[str, ...]) -> dict[str, Any]:
    """How far answers are from those that are known: ids amiss, the largest differences, and decisions that changed.

    `ordered`: the ids come as they do in the source. Where ids are amiss, nothing else is compared.
    """
    ordered = found["id"].is_sorted()
    found, known = found.sort("id"), known.sort("id")
    lost = known.join(found, on="id", how="anti").height
    amiss = {"rows": found.height, "lost": lost, "twice": found.height - found["id"].n_unique()}
    if lost or amiss["twice"] or found.height != known.height:
        return {**amiss, "ordered": ordered}
    numbers = ["probability", *symptoms]
    gaps = {name: float(np.abs(found[name].to_numpy() - known[name].to_numpy()).max()) for name in numbers}
    # An empty cell differs from any other.
    other = [found[name].ne_missing(known[name]) for name in ("positive", "decision")]
    return {
        **amiss,
        "ordered": ordered,
        "probability": gaps["probability"],
        "symptoms": max(gaps[name] for name in symptoms),
        "flips": int((other[0] | other[1]).sum()),
    }


def told(found: dict[str, Any]) -> str:
    """An agreement in a few words."""
    order = "" if found["ordered"] else ", in another order"
    if "flips" not in found:
        return f"**no**: {found['rows']:,} rows, {found['lost']:,} lost, {found['twice']:,} twice"
    if found["probability"] == found["symptoms"] == found["flips"] == 0:
        return f"to the last bit{order}"
    gap = max(found["probability"], found["symptoms"])
    return f"within {gap:.1g}, {found['flips']:,} decisions other{order}"
