"""Is any of a million bad rows ever answered, or told without its place? `python -m benchmarks.fuzz`

A real service with the shipped pair is sent rows that all break the contract, through every door that takes rows, and files of
such rows are scored: each request must be refused with 4xx, each refusal name a path and a rule, every bad row be named
as far as refusals are told, and none be answered. Bodies that are no request follow, and schemathesis goes over `/docs.json`.
The figures go into docs/robustness.md. Exit with 1 if anything is amiss.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks import section
from benchmarks.fuzz.doors import REFUSED, frames, requests, tables, wrong
from benchmarks.fuzz.hostile import hostile_text
from benchmarks.load import Line
from models.scorer import Scorer
from serving.access import add_person
from serving.batch.job import score_files
from tests.running import Server, environment, serving, workers

ROOT = Path(__file__).parents[2]
PAGE, SHIPPED = ROOT / "docs" / "robustness.md", ROOT / "models" / "covid"
CLIENTS, ROWS_A_FILE = 2, 50_000
# Of the bodies that are no request, one more in so many is a table.
TABLES = 10
# A refusal may come with any 4xx, and what is sent at random is seldom a request: only these hold for every case.
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"
screen = Console()


def main(
    *,
    rows: Annotated[int, typer.Option(help="bad rows over HTTP")] = 1_000_000,
    file_rows: Annotated[int, typer.Option(help="bad rows in files")] = 500_000,
    bodies: Annotated[int, typer.Option(help="bodies that are no request")] = 50_000,
    examples: Annotated[int, typer.Option(help="of schemathesis, an operation")] = 300,
    seed: Annotated[int, typer.Option(help="of all that is made up")] = 1,
    page: Annotated[Path, typer.Option(help="page that the figures are written into")] = PAGE,
) -> None:
    """Send, score, look at all that came back, and write the page."""
    amiss: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # BentoML's line a request would fill the disk.
        quiet = {
            "BENTOML_CONFIG_OPTIONS": workers(2)["BENTOML_CONFIG_OPTIONS"] + " api_server.logging.access.enabled=False"
        }
        token = add_person(folder / "access.json", "fuzz", ["predict", "tune", "audit"])
        access = {"FULCRUM_ACCESS": str(folder / "access.json"), "FULCRUM_BUNDLES": str(SHIPPED)}
        variables = environment(folder, PYTHONPATH=str(ROOT), **access, **quiet)
        log = folder / "log"
        with serving(
            "serving.service:Screening", variables=variables, folder=folder, bundles=SHIPPED, log=log
        ) as server:
            sent = _over_http(server, token, rows, seed, amiss)
            broken = _broken(server, token, bodies, seed, amiss)
            tried = _schemathesis(server, token, examples, seed, amiss)
            scorer = server.scorer("screen")
        filed = _in_files(scorer, folder, file_rows, seed, amiss)
        if leaked := [line for line in log.read_text().splitlines() if "Traceback" in line]:
            amiss.append(f"log: should hold no traceback, got {len(leaked)}")
    lines = [
        ["rows over HTTP, all bad", f"{sum(sent.values()):,}", "refused, each named by path and rule"],
        [
            "rows in CSV and Parquet files, all bad",
            f"{filed:,}",
            "none scored, each in the side file with path and rule",
        ],
        [
            "bodies that are no request",
            f"{sum(broken.values()):,}",
            ", ".join(f"{status}: {count:,}" for status, count in sorted(broken.items())),
        ],
        ["cases of schemathesis", f"{tried:,}", "no answer of 500 or above"],
    ]
    text = section.table(["what was sent", "how many", "what came back"], [[*line[:2], line[2]] for line in lines])
    section.write(page, "fuzz", f"{text}\n\n{len(amiss)} amiss.")
    for each in amiss[:20]:
        screen.print(each, style="red", markup=False)
    raise SystemExit(1 if amiss else 0)


def _over_http(server: Server, token: str, rows: int, seed: int, amiss: list[str]) -> Counter[str]:
    """Rows that were refused, by the address they were sent to."""
    schema, found = server.scorer("screen").columns, Counter[str]()
    with Progress(console=screen) as progress:
        task = progress.add_task("bad rows over HTTP", total=rows)

        def client(number: int) -> None:
            line = Line(server.url, token)
            for sent in requests(schema, seed * 1000 + number):
                reply = line.send("POST", sent.door.path, sent.body, sent.door.headers)
                problem = wrong(sent, reply)
                if problem:
                    amiss.append(f"{sent.door.path}: {problem}")
                else:
                    found[sent.door.path] += len(sent.rows)
                progress.advance(task, len(sent.rows))
                if sum(found.values()) >= rows or len(amiss) > 100:
                    return

        _together(client)
    return found


def _broken(server: Server, token: str, bodies: int, seed: int, amiss: list[str]) -> Counter[int]:
    """How bodies that are no request were answered."""
    schema, found = server.scorer("screen").columns, Counter[int]()

    def client(number: int) -> None:
        line = Line(server.url, token)
        for door, headers, body in islice(frames(schema, seed * 1000 + number), bodies // CLIENTS):
            reply = line.send("POST", door.path, body, headers)
            found[reply.status] += 1
            if reply.status not in REFUSED or not json.loads(reply.body)["error"]:
                amiss.append(f"{door.path}: status {reply.status} for {body[:80]!r}")

        for path, kind, body in islice(tables(schema, seed * 1000 + number), bodies // CLIENTS // TABLES):
            reply = line.send("POST", path, body, {"content-type": kind})
            found[reply.status] += 1
            if reply.status not in REFUSED or not json.loads(reply.body)["error"]:
                amiss.append(f"{path}: status {reply.status} for {len(body)} bytes of {kind}: {body[:40]!r}")

    _together(client)
    return found


def _together(client: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(client, range(CLIENTS)))


def _in_files(scorer: Scorer, folder: Path, rows: int, seed: int, amiss: list[str]) -> int:
    """Rows of files that were refused, all of them."""
    refused = 0
    for number in range(rows // ROWS_A_FILE):
        kind = "parquet" if number % 2 else "csv"
        table = hostile_text(scorer.columns, ROWS_A_FILE, seed * 1000 + number)
        source, target = folder / f"bad-{number}.{kind}", folder / f"scored-{number}.csv"
        if kind == "csv":
            with source.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([list(scorer.columns.names), *table])
        else:
            pl.DataFrame(table, schema=list(scorer.columns.names), orient="row").write_parquet(source)
        counts = score_files(scorer, source, target).counts
        refusals = _refusals(target.with_name(f"{target.name}.refused"))
        named = {int(row) for _, row, path, rule, _ in refusals if path and rule}
        if named != set(range(ROWS_A_FILE)) or counts.refused != ROWS_A_FILE or len(pl.read_csv(target)):
            amiss.append(f"{source.name}: should be refused whole, got {counts}")
        refused += len(named)
    return refused


def _refusals(file: Path) -> Iterable[list[str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        yield from islice(csv.reader(lines), 1, None)


def _schemathesis(server: Server, token: str, examples: int, seed: int, amiss: list[str]) -> int:
    """Cases that schemathesis made of the document and sent."""
    # It writes no tables, whose bytes are broken elsewhere here.
    command = ["run", f"{server.url}/docs.json", "--checks", CHECKS, "--exclude-path-regex", "/table$"]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--header", f"Authorization: Bearer {token}"]
    program = Path(sys.executable).with_name("schemathesis")
    begun = time.monotonic()
    done = subprocess.run(
        [program, *command, "--mode", "all", "--continue-on-failure", "--no-color", "--suppress-health-check", "all"],
        capture_output=True,
        text=True,
        check=False,
        cwd=server.log.parent,
    )
    screen.print(done.stdout[-30000:], markup=False)
    screen.print(f"schemathesis: {time.monotonic() - begun:.0f} s")
    if done.returncode:
        amiss.append(f"schemathesis: exit {done.returncode}")
    found = re.search(r"([\d,]+) generated", done.stdout)
    if found is None:
        amiss.append("schemathesis: should say how many cases it made, and did not")
        return 0
    return int(found[1].replace(",", ""))


if __name__ == "__main__":
    typer.run(main)
