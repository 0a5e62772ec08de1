"""`python -m benchmarks.batch.ray_cluster.call IN OUT BUNDLE [ADDRESS]`: the same job twice in one process, here or on a cluster.

Found are the seconds of each call, the first of which connects to the cluster and has workers started.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from models.bundle import open_bundle
from models.scorer import Scorer
from serving.batch.engines.engine import Engine
from serving.batch.engines.local import Local
from serving.batch.engines.on_ray import OnRay
from serving.batch.job import score_files

if __name__ == "__main__":
    source, target, bundle, *address = sys.argv[1:]
    engine: Engine = OnRay(address=address[0]) if address else Local()
    scorer, found = Scorer(open_bundle(Path(bundle))), {}
    for name in ("first", "again"):
        begun = time.perf_counter()
        score_files(scorer, source, f"{target}/{name}/answers", keep=("id",), engine=engine)
        found[name] = time.perf_counter() - begun
    print("JOB", json.dumps(found))
