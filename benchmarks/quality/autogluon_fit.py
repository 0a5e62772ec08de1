"""AutoGluon on one table, run by its own environment, which knows nothing of this project.

`python autogluon_fit.py FOLDER SECONDS SEED PRESETS` reads fit.csv (with the column `is_sick`) and asked.csv, and writes
scores.csv and told.json (bytes of what it keeps, seconds of one row, seconds of fitting, the best model's name).
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor

TARGET, WARM, CALLS = "is_sick", 3, 30


def main(folder: Path, seconds: float, seed: int, presets: str) -> None:
    warnings.simplefilter("ignore")
    fit, asked = pd.read_csv(folder / "fit.csv"), pd.read_csv(folder / "asked.csv")
    begin = time.perf_counter()
    predictor = TabularPredictor(TARGET, eval_metric="roc_auc", path=str(folder / "models"), verbosity=0).fit(
        fit,
        presets=presets,
        # Its search for leaks by stacking would fit everything twice.
        dynamic_stacking=False,
        time_limit=seconds,
        num_cpus=1,
        num_gpus=0,
        # Neighbours only slow it; it says so itself of small machines.
        excluded_model_types=["KNN"],
        ag_args_ensemble={"fold_fitting_strategy": "sequential_local"},
        ag_args_fit={"random_seed": seed},
    )
    took = time.perf_counter() - begin
    scores = predictor.predict_proba(asked)[1]
    pd.DataFrame({"probability": scores}).to_csv(folder / "scores.csv", index=False)
    predictor.persist()
    one = []
    for place in range(WARM + CALLS):
        row = asked.iloc[[place % len(asked)]]
        begin = time.perf_counter()
        predictor.predict_proba(row)
        one.append(time.perf_counter() - begin)
    size = sum(file.stat().st_size for file in (folder / "models").rglob("*") if file.is_file())
    told = {"bytes": size, "latency": statistics.median(one[WARM:]), "seconds": took, "best": predictor.model_best}
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
