"""The page says what was measured, and whether it is what was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving import page
from benchmarks.serving.page import BY_DOCS, BY_HAND, FASTAPI, PLAIN, Measured
from benchmarks.serving.servers import SERVERS
from serving.tables import ARROW, PARQUET

# Requests a second of one person, at any number of connections.
RATES = {BY_DOCS: 400.0, FASTAPI: 2000.0, BY_HAND[0]: 5000.0, BY_HAND[1]: 9000.0, PLAIN: 11_000.0}


def turn(faster: float = 1.0) -> list[dict[str, Any]]:
    """What one turn of all servers measures."""
    found: list[dict[str, Any]] = []
    for server in SERVERS:
        rate = RATES.get(server.name, 12_000.0) * faster
        for job, people in (("1", 1), ("100", 20), ("100 by column", 18)):
            if job == "100 by column" and not server.columns:
                continue
            found += [
                {
                    "server": server.name,
                    "job": job,
                    "connections": connections,
                    "rate": rate / people,
                    "median": 0.001,
                    "p99": 0.002,
                    "cpu": people / rate,
                }
                for connections in (1, 16, 64)
            ]
        if server.table:
            found += [{"server": server.name, "job": kind, "connections": 2, "rate": 8.0} for kind in (ARROW, PARQUET)]
        found.append({"server": server.name, "start": 2.0, "megabytes": 200.0})
    found += [
        {"server": "in process", "job": job, "inference": 1e-4, "whole": whole}
        for job, whole in (("1", 1e-4), ("100", 1.6e-3))
    ]
    return [*found, {"server": "in process", "rows a second": 100_000.0}]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "performance.md").write_text("before\n<!-- measured -->\n<!-- end of measured -->\nafter\n")
    return tmp_path


def promised(text: str) -> dict[str, str]:
    lines = [line.split(" | ") for line in text.splitlines() if line.count(" | ") == 3 and "at " in line]
    return {
        cells[0].lstrip("| "): cells[3].rstrip(" |") for cells in lines if cells[3].rstrip(" |") in {"yes", "**no**"}
    }


def test_figures_are_medians_of_the_turns() -> None:
    measured = Measured([*turn(1.0), *turn(3.0), *turn(1.1)])
    assert measured("rate", PLAIN, "1", 16) == pytest.approx(1.1 * RATES[PLAIN])
    assert measured.repeats == 3
    assert measured.names == [server.name for server in SERVERS]
    assert str(measured("rate", BY_DOCS, "100 by column", 16)) == "nan"


def test_the_page_tells_what_is_kept_and_what_is_not(docs: Path) -> None:
    page.write(turn(), docs)
    text = (docs / "performance.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| Fulcrum, one worker | 11,000/s | 11,000/s | 11,000/s | 1.00 ms | 2.00 ms | 91 µs |" in text
    assert set(promised(text).values()) == {"yes"}
    assert len(promised(text)) == 12
    assert (docs / "performance.svg").read_text().startswith("<?xml")


def test_a_promise_that_is_not_kept_is_told_to_be_none(docs: Path) -> None:
    slower = [
        each | {"rate": 9000.0} if each["server"] == PLAIN and each.get("job") == "1" else each for each in turn()
    ]
    page.write(slower, docs)
    broken = {what for what, kept in promised((docs / "performance.md").read_text()).items() if kept != "yes"}
    assert broken == {
        f"one person, {connections} connections: times BentoML by its documentation" for connections in (16, 64)
    }


def test_a_run_of_some_servers_says_nothing_of_the_others(docs: Path) -> None:
    names = {PLAIN, "in process"}
    page.write([each for each in turn() if each["server"] in names], docs)
    text = (docs / "performance.md").read_text()
    assert FASTAPI not in text.split("### What was promised")[0]
