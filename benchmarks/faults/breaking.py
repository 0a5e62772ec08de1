"""The faults: a worker killed, a disk full, a database gone, a clock set back, the service told to end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.faults.disk import LeftOut, small_disk
from benchmarks.faults.harm import Fault
from benchmarks.faults.place import Place, opened
from tests.postgres import NoPostgres, postgres

DISK_BYTES = 4_000_000
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
HOUR = 3600


@contextmanager
def on_disk(folder: Path) -> Iterator[Place]:
    """A service with SQLite."""
    with opened(folder, f"sqlite:///{folder}/changes.sqlite") as place:
        yield place


@contextmanager
def on_a_small_disk(folder: Path) -> Iterator[Place]:
    """A service whose store has a disk of its own, of a few megabytes."""
    with (
        small_disk(folder / "disk", DISK_BYTES) as disk,
        opened(folder, f"sqlite:///{disk}/changes.sqlite") as place,
    ):
        yield place


@contextmanager
def on_postgres(folder: Path) -> Iterator[Place]:
    """A service with PostgreSQL."""
    try:
        with postgres() as database, opened(folder, database.url(database.new_database()), database) as place:
            yield place
    except NoPostgres as why:
        raise LeftOut(str(why)) from None


@contextmanager
def with_a_clock(folder: Path) -> Iterator[Place]:
    """A service whose clock reads a file."""
    if not FAKETIME:
        raise LeftOut("no libfaketime")
    (folder / "clock").write_text("+0")
    clock = {
        "LD_PRELOAD": str(FAKETIME[-1]),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with opened(folder, f"sqlite:///{folder}/changes.sqlite", **clock) as place:
        yield place


def kill_a_worker(place: Place, seconds: float) -> None:
    """SIGKILL to one of two workers."""
    del seconds
    place.parent.children()[0].send_signal(signal.SIGKILL)


def kill_all_workers(place: Place, seconds: float) -> None:
    """SIGKILL to both at once."""
    del seconds
    for worker in place.parent.children():
        worker.send_signal(signal.SIGKILL)


def fill_the_disk(place: Place, seconds: float) -> None:
    """Fill the disk of the store, and free it later."""
    filler = place.folder / "disk" / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    time.sleep(seconds / 4)
    filler.unlink()


def restart_the_database(place: Place, seconds: float) -> None:
    """Stop PostgreSQL at once, as in a crash, and start it again."""
    assert place.database is not None
    place.database.stop("immediate")
    time.sleep(seconds / 8)
    place.database.start()


def set_the_clock_back(place: Place, seconds: float) -> None:
    """An hour back for some time, and forth again."""
    clock = place.folder / "clock"
    clock.write_text(f"-{HOUR}")
    time.sleep(seconds / 4)
    clock.write_text("+0")


def end_it(place: Place, seconds: float) -> None:
    """SIGTERM to the service, as a container is ended."""
    del seconds
    os.kill(place.parent.pid, signal.SIGTERM)


FAULTS = (
    Fault("one of two workers killed", on_disk, kill_a_worker),
    Fault("both workers killed", on_disk, kill_all_workers),
    Fault("disk of the store full, and freed again", on_a_small_disk, fill_the_disk),
    Fault("PostgreSQL crashed, and started again", on_postgres, restart_the_database),
    Fault("clock an hour back, and forth again", with_a_clock, set_the_clock_back),
    Fault("SIGTERM", on_disk, end_it, final=True),
)
