"""One run, in a process of its own."""

from __future__ import annotations

import time
import traceback
import warnings
from pathlib import Path

from benchmarks.quality.peer import Job, find_peer
from benchmarks.quality.runs import file_of
from benchmarks.quality.table import find_table
from models.errors import NoData

# Table, repeat, peer.
Asked = tuple[str, int, str]


def run(asked: Asked, out: Path) -> tuple[Asked, str]:
    """Do a run and write its file; what goes wrong is said, and the others go on."""
    of, repeat, name = asked
    begin = time.perf_counter()
    try:
        # The peers' libraries warn of each other's versions.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            find_peer(name).run(Job(find_table(of), repeat, out)).write(file_of(out, *asked))
    except NoData as error:
        return asked, f"failed: {error}"
    except Exception:  # noqa: BLE001  # one peer's failure must not end the others
        return asked, f"failed:\n{traceback.format_exc()}"
    return asked, f"{time.perf_counter() - begin:.1f} s"
