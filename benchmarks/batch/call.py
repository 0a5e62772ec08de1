"""`python -m benchmarks.batch.call IN OUT BUNDLE`: the batch scorer as a program calls it, and how long that took."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.batch.peers.common import job
from models.bundle import open_bundle
from models.scorer import Scorer
from serving.batch.job import score_files

if __name__ == "__main__":
    source, target, bundle = map(Path, sys.argv[1:])
    scorer = Scorer(open_bundle(bundle))
    with job():
        score_files(scorer, source, target, keep=("id",))
