"""How the stored bundle of a format was made: `python -m tests.models.stored.make`, once, before its release.

A released format is never made again: its bundle stays as it is and has to stay readable.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np

from models import graph
from models.bundle import write_bundle
from models.calibration import Reliability
from models.curve import Curve
from models.manifest import Evidence, Part, Probe
from models.operating_point import Measured
from models.scorer import Graph, Scorer
from tests import handmade

HERE = Path(__file__).parent


def main() -> None:
    made, manifest = handmade.finished("presurgical")
    columns, sick = handmade.encoded(300, seed=3), handmade.targets(handmade.encoded(300, seed=3), seed=3)
    answers = Graph(graph.as_bytes(made)).run(columns)
    curve = Curve.of(np.round(answers["probability"], 1), sick)
    point = manifest.contract.choose(curve, guide=curve)
    test = Part(name="test", rows=300, positives=int(sick.sum()))
    evidence = Evidence(
        part=test,
        area_under_curve=0.9,
        area_interval=(0.85, 0.95),
        reliability=Reliability.of(answers["logit"], sick),
        measured=Measured.of(curve, point.threshold, prevalence=manifest.prevalence),
        kept=True,
    )
    probes = tuple(
        Probe(
            columns=tuple(None if np.isnan(cell) else float(cell) for cell in columns[place]),
            probability=float(answers["probability"][place]),
            positive=bool(answers["probability"][place] >= point.threshold),
        )
        for place in range(5)
    )
    small = manifest.model_copy(
        update={"curve": curve, "points": (point,), "evidence": evidence, "probes": probes, "purpose": "Stored."}
    )
    folder = HERE / f"format-{manifest.format}"
    with tempfile.TemporaryDirectory() as beside:
        written = write_bundle(
            Path(beside) / "bundle",
            model=graph.bake(made, threshold=point.threshold),
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
    }
    (folder / "answers.json").write_text(f"{json.dumps(document, indent=1)}\n")


if __name__ == "__main__":
    main()
