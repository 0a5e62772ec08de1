"""How the stored bundle of today's format was made: `python -m tests.models.stored.make`, once, before its release.

A released format is never made again: its bundle stays as it is and has to stay readable. It holds what the format adds
to the one before: a photograph, heads of every scale, the map of a loss, pulls, a comparison.
"""

from __future__ import annotations

import base64
import io
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image

from models import graph
from models.bundle import write_bundle
from models.calibration import Calibration, Reliability
from models.curve import Curve
from models.generate import generate_inputs
from models.manifest import Evidence, Part
from models.operating_point import Measured
from models.probes import make_probes
from models.pulls import Look, PullTable
from models.rows import decode_rows
from models.scorer import Graph, Scorer
from tests import seeing
from tests.models.test_comparison import comparison

HERE = Path(__file__).parent
# What focal loss would do to a logit, roughly.
MAP = ((-8.0, -14.0), (-2.0, -3.5), (0.0, 0.0), (2.0, 3.5), (8.0, 14.0))
PULLS = PullTable(
    terms=("Focal on sick against sick", "SquaredSize on weights"),
    taps=("inputs", "image", "embedding", "sick", "weights"),
    looks=(Look(epoch=1, norms=((0.1, 0.2, 0.3, 0.4, 1.0), (None, None, None, None, 0.01))),),
)


def main() -> None:
    _, manifest = seeing.finished()
    rows = generate_inputs(seeing.SCHEMA, 300, seed=1)
    raw = seeing.logits(rows)
    calibration = Calibration(undo="map", loss_map=MAP, prevalence=manifest.calibration.prevalence)
    made = graph.finish(
        seeing.network(),
        schema=seeing.SCHEMA,
        target="sick",
        symptoms=[symptom.name for symptom in seeing.SYMPTOMS],
        calibration=calibration,
        prevalence=manifest.prevalence,
    )
    answers = Graph(graph.as_bytes(made)).run(rows)
    sick = (np.random.default_rng(0).random(300) < answers["probability"]).astype(np.int64)
    # Few distinct scores, so that the file stays small.
    curve = Curve.of(np.round(answers["probability"], 2), sick, prevalence=manifest.prevalence)
    point = manifest.contract.choose(curve, guide=curve).model_copy(update={"name": "default"})
    decided = graph.bake(made, threshold=point.threshold, clear_below=point.clear_below)
    evidence = Evidence(
        part=Part(name="test", rows=300, positives=int(sick.sum())),
        area_under_curve=0.9,
        area_interval=(0.85, 0.95),
        reliability=Reliability.of(answers["logit"], sick),
        measured=Measured.of(curve, point.threshold, prevalence=manifest.prevalence),
        kept=True,
        curve=curve,
    )
    small = manifest.model_copy(
        update={
            "calibration": calibration,
            "curve": curve,
            "guide": curve,
            "points": (point,),
            "evidence": evidence,
            "pulls": PULLS,
            "comparison": comparison(study=manifest.study),
            "probes": make_probes(Graph(graph.as_bytes(decided)), seeing.SCHEMA, 4, seed=3),
            "purpose": "Stored.",
        }
    )
    assert raw.min() < MAP[1][0]
    assert raw.max() > MAP[-2][0]
    folder = HERE / f"format-{manifest.format}"
    if folder.exists():
        raise SystemExit(f"{folder}: a format that was released is never made again.")
    with tempfile.TemporaryDirectory() as beside:
        written = write_bundle(Path(beside) / "bundle", model=decided, manifest=small, card="# Stored\n")
        shutil.copytree(written.folder, folder, dirs_exist_ok=True)
    people = [*_few(rows, answers["probability"])]
    scores = Scorer(written).score_rows(people)
    document = {
        "digest": written.digest,
        "rows": people,
        "probability": scores.probability.tolist(),
        "positive": scores.positive.tolist(),
        "negative": scores.negative.tolist(),
    }
    (folder / "answers.json").write_text(f"{json.dumps(document, indent=1)}\n")


def _few(rows: object, probabilities: np.ndarray) -> list[dict[str, object]]:
    """Six people from the least to the most likely, their photographs in base64."""
    places = np.argsort(probabilities)[np.linspace(0, len(probabilities) - 1, 6).astype(int)]
    some = rows[places]  # type: ignore[index]  # of its own kind
    people = decode_rows(seeing.SCHEMA, some.columns)
    for person, pixels in zip(people, some.image, strict=True):
        file = io.BytesIO()
        PIL.Image.fromarray(np.kron(pixels, np.ones((2, 2, 1), dtype=np.uint8))).save(file, "PNG")
        person[seeing.IMAGE.name] = base64.b64encode(file.getvalue()).decode()
    return people


if __name__ == "__main__":
    main()
