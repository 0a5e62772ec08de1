from __future__ import annotations

import numpy as np

from models.generate import generate
from models.rows import decode_rows, encode_rows
from models.schema import Categorical, Numeric, Schema
from tests import handmade, one_column


def test_generated_rows_keep_the_schema_by_all_who_judge_it() -> None:
    columns = generate(handmade.SCHEMA, 5000, seed=0)
    assert columns.dtype == np.float32
    again = encode_rows(handmade.SCHEMA, decode_rows(handmade.SCHEMA, columns))
    assert np.array_equal(again, columns, equal_nan=True)
    made = one_column.finished(columns=handmade.SCHEMA.columns, threshold=1.0)
    assert not np.isnan(one_column.ask(made, columns)["probability"]).any()


def test_generated_rows_reach_every_category_both_ends_and_empty_cells() -> None:
    columns = generate(handmade.SCHEMA, 5000, seed=1)
    assert np.nanmin(columns, axis=0).tolist() == [0, 0, 0, 0]
    assert np.nanmax(columns, axis=0).tolist() == [120, 900, 1, 1]
    empty = np.isnan(columns).mean(axis=0)
    assert empty[[0, 3]].tolist() == [0, 0]
    assert np.allclose(empty[[1, 2]], 0.1, atol=0.02)


def test_whole_numbers_come_about_alike_often() -> None:
    schema = Schema(columns=(Categorical(name="k", categories=tuple("abcde")), Numeric(name="x", low=-1, high=1)))
    counts = np.bincount(generate(schema, 50_000, seed=2)[:, 0].astype(int))
    assert (np.abs(counts / 50_000 - 0.2) < 0.02).all()


def test_one_seed_makes_the_same_rows_and_another_makes_others() -> None:
    first, again, other = (generate(handmade.SCHEMA, 100, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)
