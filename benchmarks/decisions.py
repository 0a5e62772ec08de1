"""Does everybody give the same decision? Python, the bare runtime, HTTP and files, on a million rows.

    python -m benchmarks.decisions        (writes docs/decisions-agree.md)

For both shipped models, as certified and with a threshold that lies exactly on a score, so that ties decide. The
bare runtime runs as a stranger would run it: default options, all threads, calls of other sizes. Exit with 1 if any
decision or any bit of a probability differs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import onnx
import onnxruntime
import polars as pl
import typer
from numpy.typing import NDArray
from rich.progress import Progress

from demo import served
from models import graph
from models.bundle import Bundle, open_bundle, write_bundle
from models.card import table
from models.generate import generate
from models.rows import decode_rows
from models.scorer import Scorer, Scores
from serving.batch.job import score_files
from training.run import load
from training.study import find_study

NAMES = ("screen", "presurgical")
PER_REQUEST = 5_000


def main(
    docs: Annotated[Path, typer.Option(help="folder of the page")] = Path("docs"),
    models: Annotated[Path, typer.Option(help="folder of the two bundles")] = Path("models/covid"),
    rows: Annotated[int, typer.Option(help="generated rows a model")] = 1_000_000,
) -> None:
    """Score the same rows on every path, compare, and write the page."""
    found: list[list[str]] = []
    wrong = 0
    test = load(find_study("covid")).parts["test"].columns
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        certified = {name: open_bundle(models / name) for name in NAMES}
        tied = {name: on_a_score(bundle, Path(folder) / "tied") for name, bundle in certified.items()}
        for kind, bundles, places in (
            ("certified", certified, models),
            ("on a score", tied, Path(folder) / "tied" / "covid"),
        ):
            with served(places, log=Path(folder) / "server.log") as address:
                for name, bundle in bundles.items():
                    columns = np.concatenate([test, generate(bundle.manifest.columns, rows, seed=1)])
                    ours = Scorer(bundle).score(columns)
                    ties = int((ours.probability == np.float32(bundle.manifest.point.threshold)).sum())
                    ways = {
                        "bare runtime, calls of 10,000": bare(bundle, columns, 10_000),
                        "bare runtime, calls of 333": bare(bundle, columns, 333),
                        "bare runtime, a row alone": bare(bundle, columns[:20_000], 1),
                        "HTTP": over_http(f"{address}/{name}", bundle, columns, progress),
                        "CSV file": from_file(bundle, columns, Path(folder), ".csv"),
                        "Parquet file": from_file(bundle, columns, Path(folder), ".parquet"),
                    }
                    for way, (probability, positive) in ways.items():
                        decisions, bits = differences(ours, probability, positive)
                        wrong += decisions + bits
                        found.append([name, kind, way, f"{len(positive):,}", f"{ties:,}", str(decisions), str(bits)])
    head = [
        "model",
        "threshold",
        "against Python",
        "rows",
        "rows on the threshold",
        "decisions that differ",
        "probabilities that differ",
    ]
    page = [
        "# One decision, whoever asks",
        "",
        f"Made by `python -m benchmarks.decisions`: the {len(test):,} people of the COVID test week and {rows:,}",
        "generated rows a model, with empty cells where they may be, scored by `Scorer` in Python and by every other way there is. Differences are counted bit by bit.",
        "",
        *table(head, found),
    ]
    (docs / "decisions-agree.md").write_text("\n".join(page), encoding="utf-8")
    print("\n".join(page))
    raise SystemExit(1 if wrong else 0)


def differences(ours: Scores, probability: NDArray[np.float32], positive: NDArray[np.bool_]) -> tuple[int, int]:
    """How many decisions and how many probabilities differ, row by row."""
    rows = len(positive)
    return int((ours.positive[:rows] != positive).sum()), int((ours.probability[:rows] != probability).sum())


def on_a_score(bundle: Bundle, folder: Path) -> Bundle:
    """The same model with its threshold exactly on the lowest score that its point flags."""
    point = bundle.manifest.point
    score = next(score for score in bundle.manifest.curve.thresholds if score >= point.threshold)
    manifest = bundle.manifest.model_copy(
        update={"points": (point.model_copy(update={"threshold": score, "clear_below": score}),)}
    )
    model = graph.bake(onnx.load_model_from_string(bundle.graph), threshold=score)
    return write_bundle(folder / bundle.name, model=model, manifest=manifest, card=bundle.card)


def bare(bundle: Bundle, columns: NDArray[np.float32], size: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The file in a runtime with default options, in calls of `size` rows."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(bundle.graph, options)
    parts = [
        session.run(["probability", "positive"], {"columns": columns[start : start + size]})
        for start in range(0, len(columns), size)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def over_http(
    address: str, bundle: Bundle, columns: NDArray[np.float32], progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Over a real socket, in requests of 5,000 rows."""
    probability, positive = [], []
    with httpx.Client(timeout=60) as client:
        for start in progress.track(range(0, len(columns), PER_REQUEST), description=f"HTTP {bundle.name}"):
            rows = decode_rows(bundle.manifest.columns, columns[start : start + PER_REQUEST])
            reply = client.post(address, json={"rows": rows}).raise_for_status().json()
            probability += [row["probability"] for row in reply["rows"]]
            positive += [row["positive"] for row in reply["rows"]]
    return np.array(probability, dtype=np.float32), np.array(positive, dtype=bool)


def from_file(
    bundle: Bundle, columns: NDArray[np.float32], folder: Path, ending: str
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """From a file into a file."""
    source, target = folder / f"rows{ending}", folder / f"scores{ending}"
    table = pl.DataFrame(decode_rows(bundle.manifest.columns, columns))
    table.write_csv(source) if ending == ".csv" else table.write_parquet(source)
    score_files(Scorer(bundle), source, target)
    # Read as text first: the file holds 32-bit floats, and a reader might take another way through 64 bits.
    scores = (
        pl.read_csv(target, schema_overrides={"probability": pl.String})
        if ending == ".csv"
        else pl.read_parquet(target)
    )
    return scores["probability"].to_numpy().astype(np.float32), scores["positive"].to_numpy()


if __name__ == "__main__":
    typer.run(main)
