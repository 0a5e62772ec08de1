"""`python -m benchmarks.batch.spark_recipe`: the recipe of docs/spark.md, run as it stands there.

A cluster of two executors of one core on this machine does a job of 20 shards, and does it again while one of them is killed.
Each time every file has to have the bytes that the local engine writes. PySpark is in no extra: `make bench-batch` installs
it beside Fulcrum.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console

from benchmarks.batch.job import prepared
from benchmarks.batch.measuring import HERE
from models.bundle import open_bundle
from models.scorer import Scorer
from serving.batch.engines.local import Local
from serving.batch.job import score_files

PAGE = HERE / "docs" / "spark.md"
MASTER, EXECUTOR = "local-cluster[2,1,1024]", "CoarseGrainedExecutorBackend"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
}
screen = Console()


def main(
    rows: Annotated[int, typer.Option(min=1000, help="of the job")] = 2_000_000,
    out: Annotated[Path, typer.Option(help="folder of the people, the results and of what came out")] = Path(
        "out/batch"
    ),
) -> None:
    """Run the recipe; ends with 1 if a file differs."""
    if importlib.util.find_spec("pyspark") is None:
        screen.print("left out: PySpark is not installed here")
        return
    job, home = prepared(out, rows), out.resolve() / "spark"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    scorer = Scorer(open_bundle(job.bundle))
    score_files(scorer, job.parts, home / "local", engine=Local())
    context = _context(home)
    try:
        engine = recipe()["OnSpark"](context)
        begun = time.perf_counter()
        score_files(scorer, job.parts, home / "spark", engine=engine)
        seconds = time.perf_counter() - begun
        killing = _Killing(home / "killed" / "_shards")
        killing.start()
        score_files(scorer, job.parts, home / "killed", engine=engine)
        killing.join()
    finally:
        context.stop()
    same = {name: files(home / name) == files(home / "local") for name in ("spark", "killed")}
    shards = len(list((home / "local").glob("part-*")))
    found = {"rows": job.rows, "shards": shards, "seconds": seconds, "done when killed": killing.done, "same": same}
    (out / "spark.json").write_text(json.dumps(found, indent=1))
    screen.print(found)
    if not all(same.values()) or killing.done is None:
        raise typer.Exit(1)


def recipe() -> dict[str, Any]:
    """What the block of the page defines."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    found: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), found)  # the page's own block
    return found


def files(folder: Path) -> dict[str, bytes]:
    """The files of a result by name, refusals included; without what is known of shards."""
    found = {path.name: path.read_bytes() for path in folder.glob("part-*")}
    refused = folder.with_name(f"{folder.name}.refused")
    return {**found, "refused": refused.read_bytes() if refused.exists() else b""}


def _context(home: Path) -> Any:
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = os.environ["SPARK_LOCAL_HOSTNAME"] = "127.0.0.1"
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415  # what runs its workers is said first

    conf = SparkConf().setMaster(MASTER).setAppName("recipe").setExecutorEnv("PYTHONPATH", str(HERE))
    for name, value in {**SETTINGS, "spark.local.dir": str(home / "scratch")}.items():
        conf = conf.set(name, value)
    context = SparkContext(conf=conf)
    context.setLogLevel("ERROR")
    return context


class _Killing(threading.Thread):
    """Kills an executor as soon as a shard is done; `done` is how many were by then, None if it came too late."""

    def __init__(self, receipts: Path) -> None:
        super().__init__(daemon=True)
        self._receipts = receipts
        self.done: int | None = None

    def run(self) -> None:
        while not (done := len(list(self._receipts.glob("part-*.json")))):
            time.sleep(0.01)
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if any(EXECUTOR in part for part in process.cmdline()):
                    process.kill()
                    self.done = done
                    return


if __name__ == "__main__":
    typer.run(main)
