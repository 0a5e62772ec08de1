"""The people keep the schema, and peers code them as Fulcrum does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from benchmarks.batch.job import SCHEMA, people
from benchmarks.batch.memory import repeated
from benchmarks.batch.peers.arrow import encode
from benchmarks.batch.peers.common import Task
from benchmarks.batch.peers.polars_batches import coded
from models.schema import Categorical
from models.table import encode_table

PEOPLE = people(0, 5_000)


@pytest.fixture
def task() -> Task:
    places = {
        column.name: {kind: float(place) for place, kind in enumerate(column.categories)}
        for column in SCHEMA.columns
        if isinstance(column, Categorical)
    }
    return Task("people.parquet", "", "", list(SCHEMA.names), places, [])


def test_nobody_is_refused_and_a_hundredth_of_the_cells_is_empty() -> None:
    encoded = encode_table(SCHEMA, pl.DataFrame(PEOPLE))
    assert encoded.good.all()
    assert np.isnan(encoded.inputs.columns).mean() == pytest.approx(0.01, abs=0.002)


def test_peers_code_a_person_as_fulcrum_does(task: Task) -> None:
    known = encode_table(SCHEMA, pl.DataFrame(PEOPLE)).inputs.columns
    for found in (encode(task, PEOPLE), pl.DataFrame(PEOPLE).select(coded(task)).to_numpy()):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, known)


def test_a_file_is_repeated_with_ids_that_go_on(tmp_path: Path) -> None:
    pq.write_table(PEOPLE, tmp_path / "few.parquet", row_group_size=2_000)
    repeated(tmp_path / "few.parquet", tmp_path / "many.parquet", 12_345)
    many = pq.read_table(tmp_path / "many.parquet")
    assert many["id"].to_pylist() == list(range(12_345))
    assert many.drop(["id"]).slice(5_000, 5_000).equals(PEOPLE.drop(["id"]))
