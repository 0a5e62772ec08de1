"""`python -m benchmarks.serving.curves`: how the cost of an answer grows with rows, columns and heads.

The server's own processor time is counted, so that what drives it does not matter; each point is the median of some turns.
To be run after `python -m benchmarks.serving`, whose figures say how many workers carry 100,000 requests a second.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import matplotlib as mpl
import numpy as np
import typer
from rich.console import Console

from benchmarks import section
from benchmarks.serving.job import SCHEMA, make, rows, wide
from benchmarks.serving.load import drive
from benchmarks.serving.page import BLUE, PLAIN, Measured
from benchmarks.serving.servers import SERVERS, started
from benchmarks.serving.sharing import CLIENTS, shared
from models.schema import Schema

mpl.use("agg")
from matplotlib import pyplot as plt  # the way it draws is chosen first

OUT = Path("out") / "serving"
ROWS = (1, 10, 100, 1000, 10_000)
COLUMNS = (8, 32, 125, 500, 1000)
HEADS = (1, 4, 16, 64)
WIDTH, PEOPLE, BODIES = 20, 100, 8
ASKED, CONNECTIONS, FILLED = 100_000, 16, 0.6
(OURS,) = (server for server in SERVERS if server.name == PLAIN)
screen = Console()


def main(
    turns: Annotated[int, typer.Option(min=1, help="of every point")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="of each load")] = 2,
    out: Annotated[Path, typer.Option(help="folder of the models and of what was measured")] = OUT,
    docs: Annotated[Path, typer.Option(help="folder of performance.md and cost.svg")] = Path("docs"),
) -> None:
    """Measure all points in turn, several times, and write the page."""
    out.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for turn in range(turns):
        bundles = make(out)
        for by_column in (False, True):
            kind = "rows, by column" if by_column else "rows"
            found += _cost(kind, {count: count for count in ROWS}, bundles, SCHEMA, seconds, by_column=by_column)
        for columns in COLUMNS:
            screen.print(f"{turn + 1} of {turns}: {columns} columns")
            bundles = make(out, f"columns_{columns}", schema=wide(columns), symptoms=())
            found += _cost("columns", {columns: PEOPLE}, bundles, wide(columns), seconds)
        for heads in HEADS:
            screen.print(f"{turn + 1} of {turns}: {heads} heads")
            symptoms = tuple(f"sign_{number}" for number in range(1, heads))
            bundles = make(out, f"heads_{heads}", schema=wide(WIDTH), symptoms=symptoms)
            found += _cost("heads", {heads: PEOPLE}, bundles, wide(WIDTH), seconds)
        found += shared()
        (out / "curves.json").write_text(json.dumps(found, indent=1))
    write(found, Measured(json.loads((out / "measured.json").read_text())), docs)


def _cost(
    kind: str, points: dict[int, int], bundles: Path, schema: Schema, seconds: float, *, by_column: bool = False
) -> list[dict[str, Any]]:
    """Seconds of the server a request, at each point with so many people."""
    found = []
    asked = replace(OURS, environment=LIMITS)
    with tempfile.TemporaryDirectory() as name, started(asked, bundles.resolve(), Path(name), rows(1, 0, schema)) as it:
        path = str(OURS.columns) if by_column else OURS.one
        for point, people in points.items():
            bodies = [OURS.body(rows(people, seed, schema), by_column=by_column) for seed in range(BODIES)]
            drive(it.url, path, bodies, Path(name), connections=4, seconds=1)
            before = it.cpu_seconds()
            load = drive(it.url, path, bodies, Path(name), connections=4, seconds=seconds)
            if load.failed or not load.requests:
                raise SystemExit(f"{kind} {point}: {load.failed} of {load.requests} requests failed; more --seconds?")
            found.append(
                {"kind": kind, "at": point, "people": people, "cpu": (it.cpu_seconds() - before) / load.requests}
            )
    return found


# Microseconds of the picture.
TICKS = (10, 20, 50, 100, 200, 500)
# Whatever is asked here is let in.
LIMITS = {"FULCRUM_MAX_BYTES": "100000000", "BENTOML_CONFIG_OPTIONS": "services.fulcrum.workers=1"}


def write(found: list[dict[str, Any]], measured: Measured, docs: Path) -> None:
    """Fill the part of `performance.md` about cost, and draw `cost.svg`."""
    turns = sum(each["kind"] == "store" and each["at"] == "SQLite" for each in found)
    counted = f"{turns} turns, medians of them" if turns > 1 else "One turn"
    parts = [f"{counted}.", "![Processor time a row, by rows, columns and heads](cost.svg)"]
    for kind, head in (
        ("rows", "rows a request"),
        ("rows, by column", "rows a request, by column"),
        ("columns", f"columns, {PEOPLE} rows a request"),
        ("heads", f"heads, {PEOPLE} rows a request, {WIDTH} columns"),
    ):
        points = _points(found, kind)
        lines = [[f"{at:,}", _micros(cpu), _micros(cpu / people)] for at, people, cpu in points]
        parts.append(section.table([head, "processor time a request", "a row"], lines))
    parts.append(_scaled(found, measured))
    section.write(docs / "performance.md", "cost", "\n\n".join(parts))
    _draw(found, docs / "cost.svg")


def _points(found: list[dict[str, Any]], kind: str) -> list[tuple[int, int, float]]:
    """Each point of a kind, its people, and the median of its seconds a request."""
    alike = [each for each in found if each["kind"] == kind]
    return [
        (at, people, float(np.median([each["cpu"] for each in alike if each["at"] == at])))
        for at, people in sorted({(each["at"], each["people"]) for each in alike})
    ]


def _micros(seconds: float) -> str:
    micros = 1e6 * seconds
    return f"{micros:,.0f} µs" if micros >= 10 else f"{micros:.1f} µs"


def _scaled(found: list[dict[str, Any]], measured: Measured) -> str:
    """What carries so many requests a second, from what one worker was measured to need."""
    cpu = measured("cpu", PLAIN, "1", CONNECTIONS)
    looks = {
        (each["at"], figure): float(np.median([other[figure] for other in found if other.get("at") == each["at"]]))
        for each in found
        if each["kind"] == "store"
        for figure in ("alone", "together")
        if figure in each
    }
    cores = ASKED * cpu
    lines = [
        (
            f"One person a request, {CONNECTIONS} connections: {_micros(cpu)} of a core, so that {ASKED:,} requests a second keep"
            f" {cores:.0f} cores busy. Filled to {FILLED:.0%}, that is {cores / FILLED:.0f} workers of one core each. Replicas"
            " know nothing of each other; they share the store of the live point, and nothing else."
        ),
        (
            f"A look at the live point, one a turn of the event loop, takes {_micros(looks['SQLite', 'alone'])} in a file of"
            " SQLite, which the workers of one machine share."
        ),
    ]
    if ("PostgreSQL", "together") in looks:
        rate, at_most = looks["PostgreSQL", "together"], ASKED / CONNECTIONS
        lines.append(
            f"In PostgreSQL it takes {_micros(looks['PostgreSQL', 'alone'])}, on the same machine; asked by {CLIENTS} threads of"
            f" one process, it answers {rate:,.0f} looks a second there, the asking included. With {CONNECTIONS} requests a"
            f" turn, {ASKED:,} requests a second are {at_most:,.0f} looks, {at_most / rate:.1f} times that: with fewer requests a"
            " turn, more. So the database is what fills first, and wants cores in this proportion, or a read replica a"
            " group of workers, whose lag is then that of a change."
        )
    return "### To 100,000 requests a second, on paper\n\n" + "\n\n".join(lines)


def _draw(found: list[dict[str, Any]], file: Path) -> None:
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained", sharey=True)
    for axes, kinds, label in zip(
        panels,
        (("rows", "rows, by column"), ("columns",), ("heads",)),
        ("rows a request", "columns", "heads"),
        strict=True,
    ):
        for kind, style in zip(kinds, ("o-", "s--"), strict=False):
            points = _points(found, kind)
            axes.plot(
                [at for at, _, _ in points],
                [1e6 * cpu / people for _, people, cpu in points],
                style,
                color=BLUE,
                label="by column" if "by column" in kind else "by row",
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_yticks(TICKS, [f"{tick:,}" for tick in TICKS])
        axes.tick_params(axis="y", which="minor", left=False, labelleft=False)
        axes.set_xlabel(label)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("processor time a row, microseconds")
    panels[0].legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    typer.run(main)
