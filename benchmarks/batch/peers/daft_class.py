"""Daft: a class that holds the model, called on batches of a file, into a folder of files."""

from __future__ import annotations

import daft
import pyarrow as pa
from daft import DataType, col

from benchmarks.batch.peers.arrow import answer, encode
from benchmarks.batch.peers.common import CORES, ID, Task, asked, job, scored, session

TASK = asked()
ROWS = 65_536
SAID = {
    "probability": DataType.float32(),
    "positive": DataType.bool(),
    "decision": DataType.string(),
    **dict.fromkeys(TASK.symptoms, DataType.float32()),
}


@daft.cls(max_concurrency=CORES)
class Model:
    """The session, which its calls share."""

    def __init__(self, task: Task) -> None:
        self._task, self._loaded = task, session(task.model)

    @daft.method.batch(return_dtype=DataType.struct(SAID), batch_size=ROWS)
    def score(self, *cells: daft.Series) -> daft.Series:
        rows = pa.Table.from_arrays([each.to_arrow() for each in cells], names=self._task.columns)
        nobody = pa.nulls(rows.num_rows, pa.int64())
        found = answer(self._task, nobody, scored(self._loaded, self._task, encode(self._task, rows)))
        return daft.Series.from_arrow(
            pa.StructArray.from_arrays([found.column(name) for name in SAID], names=list(SAID))
        )


if __name__ == "__main__":
    with job():
        daft.set_runner_native()
        model = Model(TASK)
        people = daft.read_parquet(f"{TASK.source}/*.parquet")
        told = people.select(col(ID), model.score(*map(col, TASK.columns)).alias("said"))
        told.select(col(ID), *(col("said").get(name).alias(name) for name in SAID)).write_parquet(TASK.target)
