"""How the stored bundle of today's format was made: `python -m tests.models.stored.make`, once, before its release.

A released format is never made again: its bundle stays as it is and has to stay readable. It holds all that the
format can: a zone, a guide, groups, further points, foreseen changes, evidence, probes and an earlier version.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from models import graph
from models.bundle import write_bundle
from models.calibration import Reliability
from models.curve import Curve
from models.grouping import curves, subgroups
from models.manifest import Evidence, Part, Probe, Release
from models.operating_point import Measured
from models.scorer import Graph, Scorer
from tests import handmade

HERE = Path(__file__).parent


def main() -> None:
    made, manifest = handmade.finished("zoned")
    columns = handmade.encoded(300, seed=3)
    sick = handmade.targets(columns, seed=3)
    at = manifest.prevalence
    runtime = Graph(graph.as_bytes(made))
    # Few distinct scores, so that the file stays small.
    certifying, truth = handmade.certification()
    rough = np.round(runtime.run(certifying)["probability"], 2)
    answers = runtime.run(columns)
    curve = Curve.of(rough, truth, prevalence=at)
    members = {each.column: each.members(manifest.columns, certifying, pl.DataFrame()) for each in manifest.groupings}
    groups = subgroups(members, rough, truth, prevalence=at)
    asked = {"default": manifest.contract, **handmade.ALTERNATIVES}
    points = tuple(
        each.choose(curve, guide=curve, groups=curves(groups)).model_copy(update={"name": name})
        for name, each in asked.items()
    )
    point = points[0]
    tested = Curve.of(np.round(answers["probability"], 2), sick, prevalence=at)
    test = Part(name="test", rows=300, positives=int(sick.sum()))
    evidence = Evidence(
        part=test,
        area_under_curve=0.9,
        area_interval=(0.85, 0.95),
        reliability=Reliability.of(answers["logit"], sick),
        measured=Measured.of(tested, point.threshold, prevalence=at),
        kept=True,
        curve=tested,
    )
    probes = tuple(
        Probe(
            columns=tuple(None if np.isnan(cell) else float(cell) for cell in columns[place]),
            probability=float(answers["probability"][place]),
            positive=bool(answers["probability"][place] >= point.threshold),
        )
        for place in range(5)
    )
    before = Release(
        version=1,
        bundle="0" * 64,
        site="stored",
        reason="so that there is one",
        threshold=0.5,
        clear_below=0.5,
        prevalence=at,
        promised="recall >= 0.5 with confidence 0.95",
    )
    small = manifest.model_copy(
        update={
            "version": 2,
            "history": (before,),
            "curve": curve,
            "guide": curve,
            "groups": groups,
            "points": points,
            "evidence": evidence,
            "probes": probes,
            "purpose": "Stored.",
        }
    )
    folder = HERE / f"format-{manifest.format}"
    if folder.exists():
        raise SystemExit(f"{folder}: a format that was released is never made again.")
    with tempfile.TemporaryDirectory() as beside:
        written = write_bundle(
            Path(beside) / "bundle",
            model=graph.bake(made, threshold=point.threshold, clear_below=point.clear_below),
            manifest=small,
            card="# Stored\n",
        )
        shutil.copytree(written.folder, folder, dirs_exist_ok=True)
    rows = handmade.rows(20, seed=3)
    scores = Scorer(written).score_rows(rows)
    document = {
        "digest": written.digest,
        "rows": rows,
        "probability": scores.probability.tolist(),
        "positive": scores.positive.tolist(),
        "negative": scores.negative.tolist(),
    }
    (folder / "answers.json").write_text(f"{json.dumps(document, indent=1)}\n")


if __name__ == "__main__":
    main()
