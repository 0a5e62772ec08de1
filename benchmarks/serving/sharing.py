"""What replicas share: how long a look at the live point takes, and how many a second one database carries."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from serving.tuning import Store
from tests.postgres import NoPostgres, postgres

BUNDLE = "0" * 64
LOOKS, CLIENTS, SECONDS = 2000, 8, 2.0


def shared() -> list[dict[str, Any]]:
    """Seconds of a look by one who asks alone, and looks a second of many at once; of PostgreSQL if it is there."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        found.append({"kind": "store", "at": "SQLite", "alone": _alone(f"sqlite:///{Path(folder) / 'changes.sqlite'}")})
    try:
        with postgres() as server:
            url = server.url(server.new_database())
            found.append({"kind": "store", "at": "PostgreSQL", "alone": _alone(url), "together": _together(url)})
    except NoPostgres as why:
        print(f"left out: {why}")
    return found


def _alone(url: str) -> float:
    with Store(url) as store:
        _turn_once(store)
        store.current("screen", BUNDLE)
        begun = time.perf_counter()
        for _ in range(LOOKS):
            store.current("screen", BUNDLE)
        return (time.perf_counter() - begun) / LOOKS


def _together(url: str) -> float:
    """Looks a second; threads of one process, whose interpreter is the limit before the database is."""
    counts = [0] * CLIENTS
    with Store(url) as store:
        store.current("screen", BUNDLE)
        end = time.perf_counter() + SECONDS

        def look(place: int) -> None:
            while time.perf_counter() < end:
                store.current("screen", BUNDLE)
                counts[place] += 1

        threads = [threading.Thread(target=look, args=(place,)) for place in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sum(counts) / SECONDS


def _turn_once(store: Store) -> None:
    store.append("screen", BUNDLE, version_seen=0, setting={}, outcome={}, by="benchmark", reason="to have one")
