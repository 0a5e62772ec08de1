"""Does the service go on for ten minutes at 80 % of its peak, turned every second, its bundles swapped every 30 seconds?

    python -m benchmarks.soak

A real service of two workers, with access, metrics, the decision log and a store. The peak is what it answers to a closed loop for
some seconds; then requests are due at 80 % of it whatever it does. Meanwhile one client turns the live point each second,
one swaps the bundle, forth and back. Every request must be answered, looked-at answers must be right for the bundle and threshold
that they name, and memory must not grow. The figures go into docs/robustness.md. Exit with 1 if anything is amiss.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import psutil
import typer
from rich.console import Console

from benchmarks import section
from benchmarks.pace import Came, drive, post
from models.bundle import open_bundle
from models.scorer import Scorer
from serving.access import add_person
from tests import handmade
from tests.handmade import CHANGE_CONTROL
from tests.releases import released
from tests.running import Server, environment, serving, workers

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "robustness.md"
BODIES, ROWS, SHIFT = 64, 3, 0.4
SETTINGS: tuple[dict[str, Any], ...] = ({"operating_point": None}, {"operating_point": 0.3}, {"operating_point": 0.5})
# Of the workers together, from the first to the last third of the run.
MOST_GROWN_MB = 10
FORESEEN = CHANGE_CONTROL.model_copy(update={"criteria": ()})
screen = Console()


@dataclass
class Seen:
    """What was looked at, and what was wrong."""

    looked: int = 0
    turned: int = 0
    swapped: int = 0
    bundles: set[str] = field(default_factory=set)
    megabytes: list[float] = field(default_factory=list)
    amiss: list[str] = field(default_factory=list)


def main(
    *,
    seconds: Annotated[float, typer.Option(help="of the run")] = 600,
    share: Annotated[float, typer.Option(help="of the peak")] = 0.8,
    turn: Annotated[float, typer.Option(help="seconds between two turns of the point")] = 1,
    swap: Annotated[float, typer.Option(help="seconds between two swaps")] = 30,
    page: Annotated[Path, typer.Option(help="page that the figures are written into")] = PAGE,
) -> None:
    """Run, look, and write the page."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model in ("screen", "presurgical"):
            released(folder / "bundles" / model, model=model, change_control=FORESEEN)
        digests = [
            open_bundle(folder / "bundles" / "screen").digest,
            released(folder / "releases" / "other", shift=SHIFT, change_control=FORESEEN).digest,
        ]
        (folder / "decisions").mkdir()
        token = add_person(folder / "access.json", "soak", ["predict", "tune"])
        variables = environment(
            folder,
            PYTHONPATH=str(ROOT),
            FULCRUM_BUNDLES=str(folder / "bundles"),
            FULCRUM_RELEASES=str(folder / "releases"),
            FULCRUM_ACCESS=str(folder / "access.json"),
            FULCRUM_DECISIONS=str(folder / "decisions"),
            **workers(2),
        )
        people = [handmade.rows(ROWS, seed) for seed in range(BODIES)]
        asked = [
            post("/screen", json.dumps({"rows": rows}).encode(), f"Authorization: Bearer {token}") for rows in people
        ]
        look = _looker(folder, people, seen)
        begun = {"variables": variables, "folder": folder, "bundles": folder / "bundles", "log": folder / "log"}
        with serving("serving.service:Screening", **begun) as server:
            peak = asyncio.run(drive(server.url, asked, seconds=10)).times()
            rate = share * len(peak) / 10
            screen.print(f"peak {len(peak) / 10:,.0f}/s; {rate:,.0f}/s for {seconds:.0f} s")
            stop = threading.Event()
            beside = [
                threading.Thread(target=work, args=(server, token, stop, seen))
                for work in (_turner(turn), _swapper(swap, digests), _watcher(5))
            ]
            for each in beside:
                each.start()
            came = asyncio.run(drive(server.url, asked, seconds=seconds, rate=rate, look=look))
            stop.set()
            for each in beside:
                each.join()
    failed = came.moments(200)
    grown = _grown(seen.megabytes)
    seen.amiss += [f"{len(failed)} requests failed: {sorted(set(came.status))}"] if failed else []
    seen.amiss += [f"memory grew by {grown:.0f} MB"] if grown > MOST_GROWN_MB else []
    seen.amiss += [f"bundles that answered: {seen.bundles}"] if seen.bundles != set(digests) else []
    section.write(page, "soak", _told(came, seen, len(peak) / 10, rate, grown))
    for each in seen.amiss[:20]:
        screen.print(each, style="red", markup=False)
    raise SystemExit(1 if seen.amiss else 0)


def _told(came: Came, seen: Seen, peak: float, rate: float, grown: float) -> str:
    median, p99, most = (1e3 * float(each) for each in np.quantile(came.times(), (0.5, 0.99, 1)))
    lines = [
        ["peak, and what was asked", f"{peak:,.0f}/s, {rate:,.0f}/s for {max(came.due) - min(came.due):.0f} s"],
        ["requests, of which failed", f"{len(came.status):,}, {len(came.moments(200))}"],
        ["turns of the point, swaps of the bundle", f"{seen.turned}, {seen.swapped}"],
        ["answers compared bit by bit with the bundle and the threshold they name", f"{seen.looked:,}"],
        ["median, 99th percentile, longest, from when each was due", f"{median:.1f}, {p99:.1f}, {most:.0f} ms"],
        ["memory of both workers, and what it grew by", f"{seen.megabytes[-1]:.0f} MB, {grown:+.1f} MB"],
    ]
    return section.table(["what", "figure"], lines) + f"\n\n{len(seen.amiss)} amiss."


def _looker(folder: Path, people: list[list[dict[str, Any]]], seen: Seen) -> Callable[[int, bytes], None]:
    """Compares an answer with the scorer of the bundle that it names."""
    bundles = [open_bundle(folder / "bundles" / "screen"), open_bundle(folder / "releases" / "other")]
    known = {
        bundle.digest: [Scorer(bundle).score_rows(rows).probability.tolist() for rows in people] for bundle in bundles
    }

    def look(place: int, body: bytes) -> None:
        reply = json.loads(body)
        point, seen.looked = reply["operating_point"], seen.looked + 1
        seen.bundles.add(reply["bundle"])
        for row, probability in zip(reply["rows"], known[reply["bundle"]][place], strict=True):
            positive, negative = not probability < point["threshold"], probability < point["clear_below"]
            decision = "positive" if positive else "negative" if negative else "indeterminate"
            if (row["probability"], row["decision"]) != (probability, decision):
                seen.amiss.append(f"body {place}: should say {probability} and {decision}, got {row}")

    return look


def _turner(pause: float) -> Callable[[Server, str, threading.Event, Seen], None]:
    def turn(server: Server, token: str, stop: threading.Event, seen: Seen) -> None:
        with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
            while not stop.wait(pause):
                live = client.get("/operating-points/screen").json()
                said = {**SETTINGS[seen.turned % len(SETTINGS)], "reason": "soak", "version": live["version"]}
                got = client.put("/operating-points/screen", json=said)
                # Between the look and the change the bundle may have been swapped, whose point has versions of its own.
                if got.status_code == httpx.codes.OK:
                    seen.turned += 1
                elif got.status_code != httpx.codes.CONFLICT:
                    seen.amiss.append(f"turn: {got.status_code}: {got.text}")

    return turn


def _swapper(pause: float, digests: list[str]) -> Callable[[Server, str, threading.Event, Seen], None]:
    def swap(server: Server, token: str, stop: threading.Event, seen: Seen) -> None:
        with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
            while not stop.wait(pause):
                said: dict[str, Any] = {"reason": "soak", "version": seen.swapped}
                got = (
                    client.post("/bundles/screen/roll-back", json=said)
                    if seen.swapped % 2
                    else client.put("/bundles/screen", json={**said, "bundle": digests[1]})
                )
                seen.swapped += 1
                if got.status_code != httpx.codes.OK:
                    seen.amiss.append(f"swap {seen.swapped}: {got.status_code}: {got.text}")
                    return

    return swap


def _watcher(pause: float) -> Callable[[Server, str, threading.Event, Seen], None]:
    def watch(server: Server, token: str, stop: threading.Event, seen: Seen) -> None:
        del token
        port = server.url.rpartition(":")[2]
        (parent,) = [each for each in psutil.Process().children() if port in each.cmdline()]
        while not stop.wait(pause):
            seen.megabytes.append(sum(each.memory_full_info().uss for each in parent.children()) / 1e6)

    return watch


def _grown(megabytes: list[float]) -> float:
    """From the median of the first third to that of the last; the first minute warms up."""
    warm = megabytes[len(megabytes) // 10 :]
    third = max(1, len(warm) // 3)
    return float(np.median(warm[-third:]) - np.median(warm[:third]))


if __name__ == "__main__":
    typer.run(main)
