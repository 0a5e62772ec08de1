"""`python -m benchmarks.batch.photographs`: is a folder of photographs scored as fast as it can be decoded and looked at?

The bundle is that of `benchmarks.serving.photographs`, the photographs are those of the `retina` study, from FULCRUM_DATA. In
process, as many threads as there are cores decode a photograph each and look at it; the batch scorer is given a CSV file
that lists the same photographs.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.batch import page
from benchmarks.batch.measuring import Failed, run
from benchmarks.batch.peers.common import CORES
from benchmarks.serving.photographs import OUT as BUNDLES
from benchmarks.serving.photographs import made
from models.bundle import open_bundle
from models.rows import encode_rows
from models.scorer import Scorer

OUT = Path("out") / "batch"
PHOTOGRAPHS = 500
screen = Console()


def main(
    turns: Annotated[int, typer.Option(min=1, help="of both")] = 3,
    photographs: Annotated[int, typer.Option(min=1, help="how many")] = PHOTOGRAPHS,
    bundles: Annotated[Path, typer.Option(help="folder of the bundles")] = BUNDLES,
    out: Annotated[Path, typer.Option(help="folder of what was measured")] = OUT,
) -> None:
    """Measure both in turn; `python -m benchmarks.batch.page` puts it on the page."""
    bundle, files = made(bundles).resolve() / "screen", _files(photographs)
    out.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    scorer = Scorer(open_bundle(bundle))
    for turn in range(turns):
        screen.print(f"{turn + 1} of {turns}")
        alone = len(files) / in_process(scorer, files)
        whole, call = _scored(bundle, files, out.resolve())
        rates = {"alone": alone, "whole": len(files) / whole, "call": len(files) / call}
        found.append({"photographs": len(files), **rates})
        screen.print(", ".join(f"{name} {rate:.1f}" for name, rate in rates.items()) + " a second")
        (out / page.PHOTOGRAPHS).write_text(json.dumps(found, indent=1))


def _files(count: int) -> list[Path]:
    """So many photographs; if there are fewer, some of them again."""
    folder = Path(os.environ["FULCRUM_DATA"]) / "retina" / "images"
    return list(itertools.islice(itertools.cycle(sorted(folder.resolve().glob("*.jpg"))), count))


def in_process(scorer: Scorer, files: list[Path]) -> float:
    """Seconds in which a thread a core decodes all photographs and looks at each, one by one: eight in a call were as fast."""

    def work(file: Path) -> None:
        scorer.score(encode_rows(scorer.columns, [{"eye": "left", "image": file.read_bytes()}]))

    with ThreadPoolExecutor(CORES) as threads:
        list(threads.map(work, files[:CORES]))
        begun = time.perf_counter()
        list(threads.map(work, files))
        return time.perf_counter() - begun


def _scored(bundle: Path, files: list[Path], out: Path) -> tuple[float, float]:
    """Seconds of a process that scores a file of them, and of its call alone."""
    with tempfile.TemporaryDirectory(dir=out) as name:
        source, target = Path(name) / "people.csv", Path(name) / "answers.csv"
        with source.open("w", newline="") as file:
            people = ([place, "left", each] for place, each in enumerate(files))
            csv.writer(file).writerows([["id", "eye", "image"], *people])
        command = [sys.executable, "-m", "benchmarks.batch.call", str(source), str(target), str(bundle)]
        try:
            cost = run(command, out / "photographs.log")
        except Failed as error:
            raise SystemExit(str(error)) from None
        with target.open(newline="") as file:
            answered = sum(1 for _ in csv.DictReader(file))
        if answered != len(files) or cost.call is None:
            raise SystemExit(f"{answered} photographs were answered of {len(files)}; see {out / 'photographs.log'}")
        return cost.seconds, cost.call


if __name__ == "__main__":
    typer.run(main)
