"""`python -m benchmarks.serving.photographs`: are photographs answered as fast as they can be decoded and looked at?

The bundles of the `retina` study, trained for one epoch, for only their speed is asked; its photographs from FULCRUM_DATA. In
process, as many threads as there are cores decode a photograph and look at it, over and over; the service is asked the
same photographs over HTTP on the same cores.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks import section
from benchmarks.serving.load import drive
from benchmarks.serving.page import PLAIN
from benchmarks.serving.servers import SERVERS, started
from models.bundle import open_bundle
from models.contracts.recall import Recall
from models.rows import encode_rows
from models.scorer import Scorer

OUT = Path("out") / "serving"
PHOTOGRAPHS, CONNECTIONS = 16, 4
CORES = os.cpu_count() or 1
EASY = Recall(at_least=0.5)
(OURS,) = (server for server in SERVERS if server.name == PLAIN)
screen = Console()


def main(
    turns: Annotated[int, typer.Option(min=1, help="of both")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="of each load")] = 10,
    out: Annotated[Path, typer.Option(help="folder of the bundles")] = OUT,
    docs: Annotated[Path, typer.Option(help="folder of performance.md")] = Path("docs"),
) -> None:
    """Measure both in turn, several times, and write the page."""
    bundles, people = made(out).resolve(), _people()
    scorer, found = Scorer(open_bundle(bundles / "screen")), []
    for turn in range(turns):
        screen.print(f"{turn + 1} of {turns}")
        found.append((_in_process(scorer, people, seconds), *_served(bundles, people, seconds)))
    alone, rate, cpu = (float(np.median(values)) for values in zip(*found, strict=True))
    told = f"{turns} turns" if turns > 1 else "one turn"
    text = (
        f"{PHOTOGRAPHS} photographs of the `retina` study, EfficientNet-Lite0 at 512 x 512, {told}: {CORES} threads in process"
        f" decode and look at {alone:.1f} a second; the service answers {rate:.1f} a second over {CONNECTIONS} connections,"
        f" **{rate / alone:.2f}** of it (at least 0.9 was promised), {1e3 * cpu:,.0f} ms of a core each."
    )
    section.write(docs / "performance.md", "photographs", text)


def made(out: Path) -> Path:
    home = out / "retina"
    if not all((home / model / "manifest.json").exists() for model in ("screen", "presurgical")):
        from training.run import load, run  # noqa: PLC0415  # takes seconds, and is not needed again
        from training.studies.retina import study  # noqa: PLC0415

        loaded = load(study)
        for model in study.models:
            # What is promised has nothing to do with speed, and an epoch teaches little.
            short = {"budget": model.budget.model_copy(update={"epochs": 1}), "contract": EASY, "change_control": None}
            run(study, model.model_copy(update=short), loaded, out)
    return home


def _people() -> list[dict[str, Any]]:
    """Photographs as they are, with the eye of each."""
    folder = Path(os.environ["FULCRUM_DATA"]) / "retina" / "images"
    files = sorted(folder.glob("*.jpg"))[:PHOTOGRAPHS]
    return [{"eye": "left", "image": file.read_bytes()} for file in files]


def _in_process(scorer: Scorer, people: list[dict[str, Any]], seconds: float) -> float:
    """Photographs a second of as many threads as there are cores."""
    counts, end = [0] * CORES, time.perf_counter() + seconds

    def work(place: int) -> None:
        for person in itertools.cycle(people[place:] + people[:place]):
            scorer.score(encode_rows(scorer.columns, [person]))
            counts[place] += 1
            if time.perf_counter() > end:
                return

    threads = [threading.Thread(target=work, args=(place,)) for place in range(CORES)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


def _served(bundles: Path, people: list[dict[str, Any]], seconds: float) -> tuple[float, float]:
    """Photographs a second over HTTP, and seconds of the server's processor time each."""
    asked = [[{**person, "image": base64.b64encode(person["image"]).decode()}] for person in people]
    with tempfile.TemporaryDirectory() as name, started(OURS, bundles, Path(name), asked[0]) as running:
        bodies = [json.dumps({"rows": rows}).encode() for rows in asked]
        drive(running.url, OURS.one, bodies, Path(name), connections=CONNECTIONS, seconds=2)
        before = running.cpu_seconds()
        load = drive(running.url, OURS.one, bodies, Path(name), connections=CONNECTIONS, seconds=seconds)
        if load.failed or not load.requests:
            raise SystemExit(f"{load.failed} of {load.requests} requests failed.")
        return load.rate, (running.cpu_seconds() - before) / load.requests


if __name__ == "__main__":
    typer.run(main)
