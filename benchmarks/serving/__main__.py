"""`python -m benchmarks.serving`: this service beside other ways to serve the same model, in one run."""

from __future__ import annotations

import io
import json
import random
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import typer
from rich.console import Console

from benchmarks.serving import limit, page
from benchmarks.serving.job import make, rows
from benchmarks.serving.load import BODIES, drive, there
from benchmarks.serving.servers import SERVERS, Running, Server, ask, started
from serving.tables import ARROW, PARQUET

OUT = Path("out") / "serving"
CONNECTIONS = (1, 16, 64)
BATCH, TABLE = 100, 10_000
screen = Console()


def main(
    repeats: Annotated[int, typer.Option(min=1, help="turns of every server")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="of each load")] = 2,
    only: Annotated[str, typer.Option(help="servers whose name holds one of these, with commas between")] = "",
    out: Annotated[Path, typer.Option(help="folder of the model and of what was measured")] = OUT,
    docs: Annotated[Path, typer.Option(help="folder of performance.md and performance.svg")] = Path("docs"),
) -> None:
    """Measure all servers in turn, several times in another order, and write the page."""
    if not there():
        raise SystemExit("wrk: should be on this machine (apt-get install wrk), got nothing.")
    out.mkdir(parents=True, exist_ok=True)
    bundles = make(out).resolve()
    asked = [server for server in SERVERS if not only or any(part in server.name for part in only.split(","))]
    for server in asked:
        if not server.there:
            screen.print(f"[yellow]left out: {server.name}: {server.python} is not there (make bench-serving)[/]")
    asked = [server for server in asked if server.there]
    found: list[dict[str, Any]] = []
    for repeat in range(repeats):
        order = random.Random(repeat).sample(asked, len(asked))
        for server in order:
            screen.print(f"{repeat + 1} of {repeats}: {server.name}")
            with tempfile.TemporaryDirectory() as folder, started(server, bundles, Path(folder)) as running:
                found += _measured(running, Path(folder), seconds)
        found += [
            {
                "server": "in process",
                "job": str(count),
                "inference": limit.inference(bundles, count),
                "whole": limit.job(bundles, count),
            }
            for count in (1, BATCH)
        ]
        with tempfile.TemporaryDirectory() as folder:
            found.append({"server": "in process", "rows a second": limit.batch(bundles, Path(folder))})
        (out / "measured.json").write_text(json.dumps(found, indent=1))
    page.write(found, docs)


def _measured(running: Running, folder: Path, seconds: float) -> list[dict[str, Any]]:
    """What one server does in one turn."""
    server = running.server
    _check(server, running.url)
    jobs = [("1", server.one, 1, False), (str(BATCH), server.many, BATCH, False)]
    if server.columns:
        jobs.append((f"{BATCH} by column", server.columns, BATCH, True))
    found = []
    for job, path, count, by_column in jobs:
        sent = [server.body(rows(count, seed), by_column=by_column) for seed in range(BODIES)]
        drive(running.url, path, sent, folder, connections=16, seconds=1)
        found += [
            {"job": job, **_driven(running, path, sent, folder, connections=connections, seconds=seconds)}
            for connections in CONNECTIONS
        ]
    for kind in (ARROW, PARQUET) if server.table else ():
        load = _driven(
            running, str(server.table), [_table(kind)], folder, connections=2, seconds=2 * seconds, kind=kind
        )
        found.append({"job": kind, **load})
    found.append({"server": server.name, "start": running.seconds_to_first_answer, "megabytes": running.megabytes()})
    return found


def _driven(
    running: Running,
    path: str,
    sent: list[bytes],
    folder: Path,
    *,
    connections: int,
    seconds: float,
    kind: str = "application/json",
) -> dict[str, Any]:
    """One load, and what it cost."""
    before = running.cpu_seconds()
    load = drive(running.url, path, sent, folder, connections=connections, seconds=seconds, kind=kind)
    if load.failed:
        raise SystemExit(f"{running.server.name}: {load.failed} of {load.requests} requests failed.")
    return {
        "server": running.server.name,
        "connections": connections,
        "rate": load.rate,
        "median": load.median,
        "p99": load.p99,
        "cpu": (running.cpu_seconds() - before) / load.requests,
    }


def _table(kind: str) -> bytes:
    """Ten thousand people as bytes of a table."""
    frame, sink = pl.DataFrame(rows(TABLE, 0)), io.BytesIO()
    if kind == ARROW:
        frame.write_ipc_stream(sink)
    else:
        frame.write_parquet(sink)
    return sink.getvalue()


def _check(server: Server, url: str) -> None:
    """Every server says the same of the same people."""
    people = rows(BATCH, 7)
    (first,) = server.answers(ask(url + server.one, server.body(people[:1])))
    many = server.answers(ask(url + server.many, server.body(people)))
    if len(many) != BATCH or not np.isclose(first["probability"], many[0]["probability"]):
        raise SystemExit(f"{server.name}: should say the same of one person alone and among others.")
    known = CHECKED.setdefault("all", [row["probability"] for row in many])
    if not np.allclose(known, [row["probability"] for row in many]):
        raise SystemExit(f"{server.name}: should say what the others say.")


CHECKED: dict[str, list[float]] = {}

if __name__ == "__main__":
    typer.run(main)
