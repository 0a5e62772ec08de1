"""What was measured, as a page and a picture."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks import section
from benchmarks.serving.servers import SERVERS
from serving.tables import ARROW, PARQUET

mpl.use("agg")
from matplotlib import pyplot as plt  # the way it draws is chosen first

BATCH, BY_COLUMN = "100", "100 by column"
PLAIN, BY_DOCS, FASTAPI = "Fulcrum, one worker", SERVERS[0].name, SERVERS[1].name
BY_HAND = tuple(server.name for server in SERVERS[2:4])
TICKS = (50, 200, 1_000, 5_000, 20_000)
BLUE, GREY = "#0072B2", "#999999"


def write(found: list[dict[str, Any]], docs: Path) -> None:
    """Fill the measured part of `performance.md`, and draw `performance.svg`."""
    measured = Measured(found)
    text = "\n\n".join(
        [
            f"{measured.repeats} turns of every server in an order of their own, medians of them; {_machine()}.",
            "![Requests a second and processor time a request, by server](performance.svg)",
            "### One person a request",
            _singles(measured),
            "### A hundred people a request",
            _batches(measured),
            "### Ten thousand people as a table",
            _tables(measured),
            "### What was promised",
            _promises(measured),
        ]
    )
    section.write(docs / "performance.md", "measured", text)
    _draw(measured, docs / "performance.svg")


class Measured:
    """Medians of what was measured."""

    def __init__(self, found: list[dict[str, Any]]) -> None:
        self._found = found
        self.names = [server.name for server in SERVERS if any(each["server"] == server.name for each in found)]
        self.repeats = sum("start" in each and each["server"] == self.names[0] for each in found)

    def __call__(self, figure: str, server: str, job: str | None = None, connections: int | None = None) -> float:
        """The median of a figure over the turns; NaN if it was not measured."""
        values = [
            each[figure]
            for each in self._found
            if each["server"] == server
            and figure in each
            and each.get("job") == job
            and each.get("connections") == connections
        ]
        return float(np.median(values)) if values else float("nan")


def _singles(measured: Measured) -> str:
    head = ["server", "1 connection", "16", "64", "median at 16", "99th percentile at 16", "CPU a request at 16"]
    rows = [
        [
            name,
            *(f"{measured('rate', name, '1', connections):,.0f}/s" for connections in (1, 16, 64)),
            *(f"{1e3 * measured(figure, name, '1', 16):.2f} ms" for figure in ("median", "p99")),
            f"{1e6 * measured('cpu', name, '1', 16):,.0f} µs",
        ]
        for name in measured.names
    ]
    return section.table(head, rows) + f"\n\nThe inference alone, in process: {_micros(measured, 'inference', '1')}."


def _batches(measured: Measured) -> str:
    head = ["server", "1 connection", "16", "64", "99th percentile at 16", "CPU a request at 16"]
    rows = [
        [
            name + (", by column" if job == BY_COLUMN else ""),
            *(f"{100 * measured('rate', name, job, connections):,.0f} rows/s" for connections in (1, 16, 64)),
            f"{1e3 * measured('p99', name, job, 16):.1f} ms",
            f"{1e6 * measured('cpu', name, job, 16):,.0f} µs",
        ]
        for name in measured.names
        for job in (BATCH, BY_COLUMN)
        if not np.isnan(measured("rate", name, job, 16))
    ]
    whole, alone = (_micros(measured, figure, BATCH) for figure in ("whole", "inference"))
    return section.table(head, rows) + f"\n\nIn process, from bytes to bytes by msgspec: {whole}; inference: {alone}."


def _tables(measured: Measured) -> str:
    rows = [
        [name, *(f"{10_000 * measured('rate', name, kind, 2):,.0f} rows/s" for kind in (ARROW, PARQUET))]
        for name in measured.names
        if not np.isnan(measured("rate", name, ARROW, 2))
    ]
    batch = f"{measured('rows a second', 'in process'):,.0f} rows/s"
    told = f"Two connections. The batch scorer, from a Parquet file to one: {batch}."
    return section.table(["server", "Arrow", "Parquet"], rows) + f"\n\n{told}"


def _micros(measured: Measured, figure: str, job: str) -> str:
    return f"{1e6 * measured(figure, 'in process', job):,.0f} µs"


def _promises(measured: Measured) -> str:
    def rate(name: str, connections: int, job: str = "1") -> float:
        return measured("rate", name, job, connections)

    def ours(others: Iterable[str], connections: int, job: str = "1") -> float:
        return rate(PLAIN, connections, job) / max(rate(name, connections, job) for name in others)

    cpu = measured("cpu", PLAIN, "1", 16) / measured("inference", "in process", "1")
    tail = measured("p99", PLAIN, "1", 16) / measured("median", PLAIN, "1", 16)
    batch = measured("cpu", PLAIN, BATCH, 16) / measured("whole", "in process", BATCH)
    lines: list[tuple[str, float, float, Callable[[float, float], bool]]] = []
    for connections in (16, 64):
        at = f"one person, {connections} connections: times"
        lines += [
            (f"{at} BentoML by its documentation", ours([BY_DOCS], connections), 25, float.__ge__),
            (f"{at} FastAPI", ours([FASTAPI], connections), 4, float.__ge__),
            (f"{at} the better ASGI by hand", ours(BY_HAND, connections), 0.9, float.__ge__),
        ]
    lines += [
        ("CPU a request of one person, times the inference alone", cpu, 3, float.__le__),
        ("99th percentile at 16 connections, times the median", tail, 4, float.__le__),
        ("CPU a request of a hundred, times the job in process by the same codec", batch, 1.2, float.__le__),
        ("a hundred people, 16 connections: times the better ASGI by hand", ours(BY_HAND, 16, BATCH), 1, float.__ge__),
        (
            "ten thousand people as Arrow: rows a second, times the batch scorer's",
            10_000 * measured("rate", PLAIN, ARROW, 2) / measured("rows a second", "in process"),
            0.5,
            float.__ge__,
        ),
        ("seconds from start to the first answer", measured("start", PLAIN), 3, float.__le__),
    ]
    rows = [
        [what, f"{value:.2f}", f"{'at least' if kept is float.__ge__ else 'at most'} {bar:g}", _yes(kept(value, bar))]
        for what, value, bar, kept in lines
    ]
    memory = (
        f"Memory of one worker that it shares with nobody: {measured('megabytes', PLAIN):.0f} MB, its parent included."
    )
    return section.table(["what", "measured", "promised", "kept"], rows) + f"\n\n{memory}"


def _yes(kept: bool) -> str:  # noqa: FBT001  # it is what is told
    return "yes" if kept else "**no**"


def _draw(measured: Measured, file: Path) -> None:
    figure, (rates, costs) = plt.subplots(1, 2, figsize=(11, 0.45 * len(measured.names) + 1.4), layout="constrained")
    places = np.arange(len(measured.names))[::-1]
    colours = [BLUE if name.startswith("Fulcrum") else GREY for name in measured.names]
    rates.barh(places, [measured("rate", name, "1", 16) for name in measured.names], color=colours)
    rates.set_yticks(places, measured.names)
    rates.set_xlabel("requests of one person a second, 16 connections")
    costs.barh(places, [1e6 * measured("cpu", name, "1", 16) for name in measured.names], color=colours)
    costs.set_yticks(places, [""] * len(places))
    costs.set_xscale("log")
    costs.set_xlim(left=TICKS[0])
    costs.set_xticks(TICKS, [f"{tick:,}" for tick in TICKS])
    costs.minorticks_off()
    costs.set_xlabel("processor time a request, microseconds")
    costs.axvline(1e6 * measured("inference", "in process", "1"), color="black", linestyle="--", linewidth=1)
    costs.text(1e6 * measured("inference", "in process", "1"), places[0] + 0.55, "  inference alone", fontsize=8)
    for axes in (rates, costs):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _machine() -> str:
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return f"{len(model)} cores of {model[0] if model else platform.processor()}, shared with the load, Python {platform.python_version()}"
