"""PySpark on the cores of one machine: mapInArrow over a folder of files, into a folder of files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from benchmarks.batch.peers.arrow import answer, encode
from benchmarks.batch.peers.common import CORES, ID, asked, job, scored, session

os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

from pyspark.sql import SparkSession  # what runs its workers is said first

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "4g",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    "spark.sql.files.maxPartitionBytes": str(64 << 20),
}


def main() -> None:
    """Score a folder."""
    task = asked()

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        loaded = session(task.model)
        for batch in batches:
            yield answer(task, batch.column(ID), scored(loaded, task, encode(task, batch)))

    symptoms = ", ".join(f"{name} float" for name in task.symptoms)
    with job():
        builder = SparkSession.builder.master(f"local[{CORES}]")
        for name, value in {**SETTINGS, "spark.local.dir": str(Path(task.target).parent)}.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        people = spark.read.parquet(task.source).select(ID, *task.columns)
        kinds = f"id long, probability float, positive boolean, decision string, {symptoms}"
        people.mapInArrow(score, kinds).write.mode("overwrite").parquet(task.target)
        spark.stop()


if __name__ == "__main__":
    main()
