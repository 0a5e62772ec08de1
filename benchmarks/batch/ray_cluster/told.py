"""What was found, as a part of the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import section
from benchmarks.batch.faults.told import harm
from benchmarks.batch.figures import median

# The two ways, and the two calls of each.
HERE_ALONE, ON_RAY = "local", "ray"
FIRST, AGAIN = "first", "again"
CALLS = {FIRST: "of a new process, whose workers have to begin", AGAIN: "of the same process again"}


def part(found: dict[str, Any]) -> list[str]:
    """The paragraphs of what a run of `python -m benchmarks.batch.ray_cluster` has kept; none of nothing."""
    if not found:
        return []
    text = (
        "A cluster of this machine: a head that does no work and two nodes of one core each, beside the threads of one process"
        " on the same two cores. Its nodes, their workers and the job's own process were ended by `kill -9` at random moments,"
        f" a job of {found['killed_rows']:,} rows each time; what was there in the end was compared byte by byte."
    )
    broken = [text, harm(found["kills"])] if found["kills"] else []
    return ["## On a cluster", *([_overhead(found)] if found["rounds"] else []), *broken]


def ratio(found: dict[str, Any], call: str) -> float:
    """Seconds on the cluster over those of one process, the median of the rounds; NaN of nothing."""
    rounds = enumerate(found.get("rounds", ()))
    return median({number: took[ON_RAY][call] / took[HERE_ALONE][call] for number, took in rounds})


def _overhead(found: dict[str, Any]) -> str:
    rounds = found["rounds"]
    lines = [
        [
            f"the call {what}",
            *(_seconds(rounds, way, call) for way in (HERE_ALONE, ON_RAY)),
            f"{ratio(found, call):.2f}",
        ]
        for call, what in CALLS.items()
    ]
    head = ["", "one process", "cluster", "times"]
    return (
        f"{found['rows']:,} rows of Parquet in shards of a million, {len(rounds)} rounds, both in turn; the cluster itself began"
        f" in {found['start']:.1f} s before:\n\n{section.table(head, lines)}"
    )


def _seconds(rounds: list[dict[str, dict[str, float]]], way: str, call: str) -> str:
    return f"{np.median([took[way][call] for took in rounds]):.1f} s"
