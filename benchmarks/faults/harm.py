"""One fault under load: what was asked and turned, what came back, and what is left of it."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.faults.place import BODIES, ROWS, Place
from benchmarks.pace import LOST, Came, drive
from models.bundle import open_bundle
from models.scorer import Scorer
from serving.audit import verify
from serving.tuning import Store
from tests import handmade

# The fault comes after this share of the time; of what is left, the last third must be without harm.
BEFORE, HEALED = 0.25, 0.75
TURN_SECONDS = 0.2


@dataclass(frozen=True)
class Fault:
    """Something that breaks: the place it needs, and what happens there for some seconds."""

    name: str
    place: Callable[[Path], AbstractContextManager[Place]]
    happen: Callable[[Place, float], None]
    # Whether the service is meant to be gone afterwards.
    final: bool = False


@dataclass
class Harm:
    """What a fault did; `hurt` is the seconds from it to the last request that was not answered, `longest` those of an answer."""

    name: str
    requests: int = 0
    unanswered: int = 0
    refused: int = 0
    hurt: float = 0.0
    longest: float = 0.0
    acknowledged: int = 0
    lost: int = 0
    amiss: list[str] = field(default_factory=list)


async def suffer(fault: Fault, *, seconds: float, rate: float) -> Harm:
    """Let a fault happen under load, and look at what it did."""
    harm = Harm(fault.name)
    with tempfile.TemporaryDirectory() as name, fault.place(Path(name)) as place:
        look, kept = _looker(place, harm), []
        stop = asyncio.Event()
        turning = asyncio.ensure_future(_turn(place, stop, kept))
        driving = asyncio.ensure_future(
            drive(place.server.url, place.requests, seconds=seconds, rate=rate, look=look, every=10)
        )
        await asyncio.sleep(BEFORE * seconds)
        moment = time.monotonic()
        await asyncio.to_thread(fault.happen, place, seconds)
        came = await driving
        stop.set()
        await turning
        _count(harm, came, moment, seconds, final=fault.final)
        _look_at_what_is_kept(harm, place, kept)
    return harm


def _count(harm: Harm, came: Came, moment: float, seconds: float, *, final: bool) -> None:
    bad = came.moments(200)
    harm.requests, harm.unanswered = len(came.status), came.status.count(LOST)
    harm.refused = came.status.count(503)
    harm.longest = max(came.times())
    harm.hurt = max((due - moment for due in bad), default=0.0)
    if other := {status for status in came.status if status not in {LOST, 200, 503}}:
        harm.amiss.append(f"answered with {sorted(other)}")
    if early := sum(due < moment - 1 for due in bad):
        harm.amiss.append(f"{early} requests failed before it")
    rows = zip(came.sent, came.status, strict=True)
    if final and (dropped := sum(sent < moment and status == LOST for sent, status in rows)):
        harm.amiss.append(f"{dropped} requests that were sent before it were dropped")
    if not final and (late := sum(due > min(came.due) + HEALED * seconds for due in bad)):
        harm.amiss.append(f"{late} requests failed long after it")


def _looker(place: Place, harm: Harm) -> Callable[[int, bytes], None]:
    scorer = Scorer(open_bundle(place.server.bundles / "screen"))
    known = [scorer.score_rows(handmade.rows(ROWS, seed)).probability.tolist() for seed in range(BODIES)]

    def look(number: int, body: bytes) -> None:
        reply = json.loads(body)
        threshold = reply["operating_point"]["threshold"]
        for row, probability in zip(reply["rows"], known[number], strict=True):
            if row["probability"] != probability or row["positive"] is not (not probability < threshold):
                harm.amiss.append(f"a wrong answer: {row}")

    return look


async def _turn(place: Place, stop: asyncio.Event, kept: list[str]) -> None:
    """Turn the point, and keep the hash of each change that was acknowledged."""
    headers = {"authorization": f"Bearer {place.token}"}
    async with httpx.AsyncClient(base_url=place.server.url, headers=headers, timeout=10) as client:
        number = 0
        while not stop.is_set():
            await asyncio.sleep(TURN_SECONDS)
            number += 1
            try:
                live = (await client.get("/operating-points/screen")).json()["version"]
                said = {"operating_point": 0.3 + 0.1 * (number % 3), "reason": f"turn {number}", "version": live}
                got = await client.put("/operating-points/screen", json=said)
                if got.status_code == httpx.codes.OK:
                    kept.append(f"turn {number}")
            except (httpx.TransportError, KeyError, ValueError):
                continue


def _look_at_what_is_kept(harm: Harm, place: Place, kept: list[str]) -> None:
    bundle = open_bundle(place.server.bundles / "screen").digest
    with Store(place.store) as store:
        changes = store.history("screen", bundle)
    harm.acknowledged = len(kept)
    harm.lost = len(set(kept) - {change.reason for change in changes})
    harm.amiss += [f"lost {harm.lost} acknowledged changes"] if harm.lost else []
    harm.amiss += [str(problem) for problem in verify(changes)]
    if not kept:
        harm.amiss.append("no change was acknowledged: nothing was tried")
