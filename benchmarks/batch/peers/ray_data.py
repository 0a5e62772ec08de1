"""Ray Data: map_batches by an actor a core, which holds the model, over a folder of files, into a folder of files."""

from __future__ import annotations

import logging
import os
import tempfile

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import pyarrow as pa
import ray  # that it shall tell nobody is said first

from benchmarks.batch.peers.arrow import answer, encode
from benchmarks.batch.peers.common import CORES, ID, Task, asked, job, scored, session

ROWS, STORE_BYTES = 65_536, 1 << 30


class Actor:
    """Holds the model."""

    def __init__(self, task: Task) -> None:
        self._task, self._loaded = task, session(task.model)

    def __call__(self, table: pa.Table) -> pa.Table:
        found = scored(self._loaded, self._task, encode(self._task, table))
        return pa.Table.from_batches([answer(self._task, table.column(ID), found)])


def main() -> None:
    """Score a folder."""
    task = asked()
    with tempfile.TemporaryDirectory(prefix="ray") as folder, job():
        ray.init(
            address="local",  # never a cluster that is there already, nor one that left its address behind
            num_cpus=CORES,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            logging_level=logging.ERROR,
            log_to_driver=False,
            _node_ip_address="127.0.0.2",  # 127.0.0.1 is replaced by the address towards the outside
            _temp_dir=folder,
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        people = ray.data.read_parquet(task.source).select_columns([ID, *task.columns])
        people.map_batches(
            Actor,
            fn_constructor_args=(task,),
            batch_format="pyarrow",
            batch_size=ROWS,
            zero_copy_batch=True,
            compute=ray.data.ActorPoolStrategy(size=CORES),
            num_cpus=0.5,  # the reading tasks want a core too
        ).write_parquet(task.target)
        ray.shutdown()


if __name__ == "__main__":
    main()
