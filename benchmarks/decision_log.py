"""What does it cost to record a decision before it is answered?

    python -m benchmarks.decision_log

The rows of as many requests as arrive in one turn of the event loop are recorded as the short way does it: their
lines are made, and written with one write. Beside it stands SHA-256 alone, over as many bytes, and the inference of the
same rows. The fastest tenth of many rounds counts, since a machine has other work. Then how fast a log is verified. The
figures go into docs/audit.md.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import section
from models.bundle import open_bundle
from models.inputs import Inputs
from models.scorer import Scorer
from serving.asker import Asker
from serving.decisions.log import Log
from serving.decisions.recorder import Recorder
from serving.decisions.verify import verify

ROOT = Path(__file__).parents[1]
PAGE, BUNDLE = ROOT / "docs" / "audit.md", ROOT / "models" / "covid" / "screen"
ASKER = Asker("somebody", "4bf92f3577b34da6a3ce929d0e0e4736")
NAME = "0123456789abcdef-1f"
TURNS, ROUNDS, SYNCED = (1, 8, 64), 2000, 60
PERSON = np.array([[1, 0, 0, 0, 0, np.nan, 0, 1]], dtype=np.float32)
LINE, ROW = b"x" * 850, b"x" * 52
VERIFIED = 50_000


def microseconds(work: Callable[[], object], rounds: int) -> float:
    """How long it takes, in the fastest tenth of so many rounds."""
    found = []
    for _ in range(rounds):
        begun = time.perf_counter_ns()
        work()
        found.append(time.perf_counter_ns() - begun)
    return sorted(found)[rounds // 10] / 1000


def main() -> None:
    bundle = open_bundle(BUNDLE)
    scorer = Scorer(bundle)

    def turn(recorder: Recorder, requests: int) -> Callable[[], None]:
        people = Inputs(np.repeat(PERSON, requests, axis=0))
        scores = scorer.score(people)

        def record() -> None:
            verdicts = recorder.verdicts(bundle, people, scores, 3)
            recorder.write(
                [recorder.entry("screen", NAME, ASKER, [verdicts], rows=slice(row, row + 1)) for row in range(requests)]
            )

        return record

    def hashed(requests: int) -> None:
        for _ in range(requests):
            hashlib.sha256(LINE).hexdigest()
            hashlib.sha256(ROW).hexdigest()

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        logs = [Log(Path(folder), most_bytes=10**9, sync=sync) for sync in (False, True)]
        recorder, synced = (Recorder(log, inputs=False) for log in logs)
        for requests in TURNS:
            people = Inputs(np.repeat(PERSON, requests, axis=0))
            whole = microseconds(turn(recorder, requests), ROUNDS) / requests
            alone = microseconds(lambda requests=requests: hashed(requests), ROUNDS) / requests  # type: ignore[misc]
            inferred = microseconds(lambda people=people: scorer.score(people), ROUNDS) / requests  # type: ignore[misc]
            on_disk = microseconds(turn(synced, requests), SYNCED) / requests
            figures = (whole, alone, whole - alone, inferred, on_disk)
            rows.append([str(requests), *(f"{figure:,.1f} µs" for figure in figures)])
        for log in logs:
            log.close()
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder), most_bytes=10**9, sync=False)
        record = turn(Recorder(log, inputs=False), 100)
        for _ in range(VERIFIED // 100):
            record()
        log.close()
        begun = time.perf_counter()
        found = verify(Path(folder))
        speed = found.decisions / (time.perf_counter() - begun)
        size = sum(file.stat().st_size for file in Path(folder).glob("*.jsonl")) / found.decisions
    head = ["requests a turn", "recorded", "SHA-256 alone", "beside it", "inference", "with `FULCRUM_LOG_SYNC`"]
    text = section.table(head, rows)
    text += (
        f"\n\nEach for one request of one row. A line has {size:,.0f} bytes; `fulcrum audit verify` reads"
        f" {speed:,.0f} of them a second."
    )
    section.write(PAGE, "cost", text)


if __name__ == "__main__":
    main()
