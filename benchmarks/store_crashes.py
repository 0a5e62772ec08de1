"""Is a change that was acknowledged ever lost? A writer is killed at random moments, and what it left is looked at.

    python -m benchmarks.store_crashes

A process turns the operating point in a loop and prints the hash of each change once `append` has returned it; after
a random time it is ended by SIGKILL. Then every printed change must be there, and the newest kept one be the newest
printed one or the one after it (kept, but killed before it could say so), and the chain must verify. The next writer
goes on with the same store. On SQLite, and on PostgreSQL where its binaries are there. The figures go into
docs/turning.md. Exit with 1 if anything is amiss, or if fewer changes were acknowledged than writers killed: then
nothing was tried.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from benchmarks import section
from serving.audit import verify
from serving.change import version_of
from serving.tuning import Store
from tests.postgres import NoPostgres, Postgres, postgres

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "turning.md"
ENDPOINT, BUNDLE = "screen", "b" * 64
WRITER = f"""
import sys
from serving.change import version_of
from serving.tuning import Store
with Store(sys.argv[1]) as store:
    print("open", flush=True)
    version = version_of(store.current({ENDPOINT!r}, {BUNDLE!r}))
    while True:
        change = store.append({ENDPOINT!r}, {BUNDLE!r}, version_seen=version, setting={{"number": version}},
                              outcome={{"threshold": 1 / (version + 1)}}, by="writer", reason="until killed")
        version = change.version
        print(version, change.hash, flush=True)
"""


@dataclass
class Tally:
    """What was found after all kills on one kind of store."""

    kills: int = 0
    acknowledged: int = 0
    unsaid: int = 0
    lost: int = 0
    strange: int = 0
    problems: int = 0

    @property
    def sound(self) -> bool:
        return self.lost == self.strange == self.problems == 0 and self.acknowledged > self.kills


def main(
    kills: Annotated[int, typer.Option(help="how often a writer is killed, for each kind of store")] = 100,
    seed: Annotated[int, typer.Option(help="of the random moments")] = 1,
    page: Annotated[Path, typer.Option(help="page that the figures are written into")] = PAGE,
) -> None:
    """Kill writers, look at what they left, and write a table."""
    tallies: dict[str, Tally] = {}
    console = Console()
    with ExitStack() as places, tempfile.TemporaryDirectory() as folder:
        stores: dict[str, tuple[str, Callable[[], None]]] = {"SQLite": (f"sqlite:///{folder}/changes.db", lambda: None)}
        try:
            server = places.enter_context(postgres())
            database = server.new_database()
            stores["PostgreSQL"] = (server.url(database), partial(deserted, server, database))
        except NoPostgres as reason:
            console.print(f"PostgreSQL was not tried: {reason}.")
        for name, (url, settled) in stores.items():
            tallies[name] = tally(name, url, settled, kills, random.Random(seed))
    text = written(tallies)
    section.write(page, "crashes of a writer", text)
    console.print(text, markup=False, soft_wrap=True)
    if not all(found.sound for found in tallies.values()):
        raise typer.Exit(1)


def deserted(server: Postgres, database: str) -> None:
    """Wait until the server has noticed that the writer is dead: till then it may still keep what it was sent."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with server.connect(database) as connection:
        while connection.execute(others).fetchone() != (0,):
            time.sleep(0.01)


def tally(name: str, url: str, settled: Callable[[], None], kills: int, moments: random.Random) -> Tally:
    """Kill `kills` writers, one after the other, on one store, and look at it each time when it has settled."""
    found = Tally()
    known: dict[int, str] = {}
    for _ in track(range(kills), description=name):
        said = killed_writer(url, moments.uniform(0, 0.1))
        settled()
        known |= said
        with Store(url) as store:
            newest = store.current(ENDPOINT, BUNDLE)
            history = store.history(ENDPOINT, BUNDLE)
        kept = {change.version: change.hash for change in history}
        ahead = version_of(newest) - max(known, default=0)
        found.kills += 1
        found.acknowledged += len(said)
        found.lost += sum(kept.get(version) != digest for version, digest in known.items())
        found.unsaid += ahead == 1
        found.strange += ahead not in {0, 1} or newest != (history[-1] if history else None)
        found.problems += len(verify(history))
        # What was found once must stay as well, said or not.
        known |= kept
    return found


def killed_writer(url: str, seconds: float) -> dict[int, str]:
    """What a writer said before it was killed, some seconds after it had opened the store."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n", "the writer could not open the store"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        # A line that was cut short was not said.
        lines = [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return {int(version): digest for version, digest in lines}


def written(tallies: dict[str, Tally]) -> str:
    """What was found, as a section of Markdown with a column for each kind of store."""
    rows = [
        [text, *(f"{getattr(found, row):,}" for found in tallies.values())]
        for row, text in (
            ("kills", "writers killed"),
            ("acknowledged", "changes acknowledged"),
            ("unsaid", "killed between a commit and its word"),
            ("lost", "**acknowledged changes lost**"),
            ("strange", "newest neither the last acknowledged nor the one after it"),
            ("problems", "problems found in the history"),
        )
    ]
    return f"""
A process turns the point in a loop, and is ended by `kill -9` at a random moment. The store then holds the old or the new
value: the change last acknowledged, or the one after it, which was kept but could not be told any more. The next writer goes on with what it left.

{section.table(["", *tallies], rows)}
"""


if __name__ == "__main__":
    typer.run(main)
