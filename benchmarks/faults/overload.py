"""Ten times as much asked as is answered: who is let in keeps their time, who is not is told to come again."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.faults.breaking import on_disk
from benchmarks.pace import Came, drive, post
from tests import handmade

TIMES, PEOPLE, MANY = 10, 300, 160
# Of the time that a request takes at the peak, however much is asked.
MOST_LONGER = 10


@dataclass(frozen=True)
class Shed:
    """What became of an overload."""

    told: str
    amiss: list[str]


def overload(seconds: float) -> Shed:
    """Ask a service for ten times its peak for some seconds."""
    with tempfile.TemporaryDirectory() as name, on_disk(Path(name)) as place:
        bearer = f"Authorization: Bearer {place.token}"
        bodies = [json.dumps({"rows": handmade.rows(PEOPLE, seed)}).encode() for seed in range(8)]
        asked = [post("/screen", body, bearer) for body in bodies]
        url = place.server.url
        peak = asyncio.run(drive(url, asked, seconds=seconds, connections=4))
        rate = len(peak.times()) / seconds
        over = asyncio.run(drive(url, asked, seconds=seconds, rate=TIMES * rate, connections=MANY))
        after = asyncio.run(drive(url, asked, seconds=seconds / 2, rate=rate / 2, connections=4))
    return Shed(_told(rate, peak, over, after), _amiss(over, after))


def _told(rate: float, peak: Came, over: Came, after: Came) -> str:
    served, shed = len(over.times()), over.status.count(503)
    return (
        f"Ten times the peak ({rate:,.0f} requests of {PEOPLE} people a second, {MANY} connections): {served:,} answered, {shed:,} told to"
        f" come again (503, `Retry-After`), {len(over.moments(200, 503))} neither. Answered ones took {_ms(over)} from when they were sent, at the"
        f" peak {_ms(peak)}, afterwards at half of it {_ms(after)} (median, 99th percentile)."
    )


def _ms(came: Came) -> str:
    return " and ".join(f"{1e3 * float(each):,.0f} ms" for each in np.quantile(came.took(), (0.5, 0.99)))


def _amiss(over: Came, after: Came) -> list[str]:
    found = []
    if other := over.moments(200, 503):
        found.append(f"overload: {len(other)} requests neither answered nor told to come again")
    if bad := after.moments(200):
        found.append(f"overload: {len(bad)} requests failed after it")
    return found
