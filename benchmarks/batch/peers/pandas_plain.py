"""pandas, as it is written first: one frame, the runtime as it comes, large calls."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.batch.peers.common import ID, asked, job, scored, session

ROWS = 65_536

if __name__ == "__main__":
    task = asked()
    loaded = session(task.model, threads=None)
    with job():
        frame = pd.read_csv(task.source) if task.csv else pd.read_parquet(task.source)
        for name, places in task.places.items():
            frame[name] = frame[name].map(places)
        cells = frame[task.columns].to_numpy(np.float32)
        answers = pd.DataFrame({ID: frame[ID], **scored(loaded, task, cells, ROWS)})
        answers.insert(3, "decision", np.where(answers["positive"], "positive", "negative"))
        if task.csv:
            answers.to_csv(task.target, index=False)
        else:
            answers.to_parquet(task.target, index=False)
