"""The recipe of docs/spark.md does what an engine has to; a stand-in for Spark hands its tasks out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from benchmarks.batch import spark_recipe
from models.errors import BadInput
from models.scorer import Scorer
from serving.batch.job import Progress, score_files
from serving.batch.task import receipt_of, score_shard
from tests import handmade


class Tasks:
    """What Spark makes of a list: texts that could go to another machine."""

    def __init__(self, cells: list[Any]) -> None:
        self.cells = cells

    def map(self, work: Callable[[str], Any]) -> Tasks:
        return Tasks([work(cell) for cell in self.cells])

    def collect(self) -> list[Any]:
        return self.cells


class Context:
    def parallelize(self, cells: list[str], parts: int) -> Tasks:
        assert parts == len(cells) > 0
        assert all(isinstance(cell, str) for cell in cells)
        return Tasks(cells)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "pyspark", SimpleNamespace(SparkContext=Context))
    return spark_recipe.recipe()["OnSpark"](Context())


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    people = tmp_path / "people"
    people.mkdir()
    for number in range(3):
        pl.DataFrame(handmade.rows(20, seed=number)).write_parquet(people / f"{number}.parquet")
    return Scorer(handmade.bundle(tmp_path, "screen"))


def test_the_files_have_the_bytes_of_the_local_engine_s(engine: Any, scorer: Scorer, tmp_path: Path) -> None:
    score_files(scorer, tmp_path / "people", tmp_path / "local")
    told: list[Progress] = []
    run = score_files(scorer, tmp_path / "people", tmp_path / "spark", engine=engine, progress=told.append)
    assert (run.counts.read, told[-1].tally.read) == (60, 60)
    assert spark_recipe.files(tmp_path / "spark") == spark_recipe.files(tmp_path / "local")
    # What is done is not done again.
    assert score_files(scorer, tmp_path / "people", tmp_path / "spark", engine=engine) == run


def test_a_shard_that_is_refused_stops_the_job_by_its_name(engine: Any, scorer: Scorer, tmp_path: Path) -> None:
    bad = pl.DataFrame(handmade.rows(2)).with_columns(age=pl.lit(500.0))
    bad.write_parquet(tmp_path / "people" / "1.parquet")
    with pytest.raises(BadInput, match=r"1\.parquet: rows\.0\.age: should be a number from 0 to 120 years, got 500"):
        score_files(scorer, tmp_path / "people", tmp_path / "spark", engine=engine, strict=True)


def test_what_a_task_made_has_to_be_what_was_asked(scorer: Scorer, tmp_path: Path) -> None:
    class Mistaken:
        """An engine that mixes its shards up."""

        def run(self, order: Any, judge: Any, shards: Any, told: Any) -> Any:
            found = score_shard(order.model_dump_json(), shards[0].model_dump_json())
            yield receipt_of(found, order, judge, shards[1])

    with pytest.raises(BadInput, match=r"part-00001\.parquet: should be made of .*1\.parquet .*, got .*0\.parquet "):
        score_files(scorer, tmp_path / "people", tmp_path / "mixed", engine=Mistaken())
