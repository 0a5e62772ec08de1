"""Many times as much asked as can be answered: who is let in keeps their time, who is not is told to come again."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.faults.place import opened
from benchmarks.pace import Came, drive, post
from tests import handmade

PEOPLE, FEW, MANY, AT_LEAST = 5000, 4, 800, 10
# The longest that somebody who is let in may wait for those before them, and then is read and answered in a turn as long.
MOST_SECONDS = 2.0


@dataclass(frozen=True)
class Shed:
    """What became of an overload."""

    told: str
    amiss: list[str]


def overload(seconds: float) -> Shed:
    """Ask a service over many connections, each again as soon as it hears, for some seconds."""
    with (
        tempfile.TemporaryDirectory() as name,
        opened(Path(name), f"sqlite:///{name}/changes.sqlite", count=1) as place,
    ):
        bearer = f"Authorization: Bearer {place.token}"
        bodies = [json.dumps({"rows": handmade.rows(PEOPLE, seed)}).encode() for seed in range(8)]
        asked = [post("/screen", body, bearer) for body in bodies]
        url = place.server.url
        peak = asyncio.run(drive(url, asked, seconds=seconds, connections=FEW))
        over = asyncio.run(drive(url, asked, seconds=seconds, connections=MANY))
        after = asyncio.run(drive(url, asked, seconds=seconds / 2, connections=FEW))
    return Shed(_told(peak, over, after), _amiss(peak, over, after))


def _rate(came: Came) -> float:
    return len(came.status) / (max(came.due) - min(came.due))


def _told(peak: Came, over: Came, after: Came) -> str:
    return (
        f"Overload of one worker: {PEOPLE:,} people a request, {_rate(peak):,.0f} requests a second at the peak, over {FEW} connections; then over {MANY}, each of"
        f" which asks again as soon as it hears, {_rate(over) / _rate(peak):.0f} times as many: {len(over.times()):,} answered,"
        f" {over.status.count(503):,} told to come again (503, `Retry-After`), {len(over.moments(200, 503))} neither. Answered ones took {_ms(over)},"
        f" at the peak {_ms(peak)}, afterwards {_ms(after)} (median, 99th percentile)."
    )


def _ms(came: Came) -> str:
    return " and ".join(f"{1e3 * float(each):,.0f} ms" for each in np.quantile(came.took(), (0.5, 0.99)))


def _amiss(peak: Came, over: Came, after: Came) -> list[str]:
    found = []
    if other := over.moments(200, 503):
        found.append(f"overload: {len(other)} requests neither answered nor told to come again")
    if bad := after.moments(200):
        found.append(f"overload: {len(bad)} requests failed after it")
    if (late := float(np.quantile(over.took(), 0.99))) > MOST_SECONDS:
        found.append(f"overload: those who were let in took {late:.1f} s")
    if _rate(over) < AT_LEAST * _rate(peak):
        found.append(f"overload: {_rate(over) / _rate(peak):.1f} times the peak was asked, which is no overload")
    return found
