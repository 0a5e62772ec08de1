from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import graph
from models.generate import generate
from models.schema import Binary, Categorical, Column, Numeric, Schema
from models.scorer import Graph
from tests import handmade

LARGEST = float(np.finfo(np.float32).max)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    columns: list[Column] = []
    for place in range(draw(st.integers(1, 4))):
        missing = draw(st.sampled_from(["refuse", "impute"]))
        kind = draw(st.integers(0, 2))
        if kind == 0:
            low, high = sorted(draw(st.lists(st.floats(-LARGEST, LARGEST), min_size=2, max_size=2, unique=True)))
            columns.append(Numeric(name=f"c{place}", low=low, high=high, missing=missing))
        elif kind == 1:
            columns.append(Binary(name=f"c{place}", missing=missing))
        else:
            names = tuple(f"k{number}" for number in range(draw(st.integers(2, 12))))
            columns.append(Categorical(name=f"c{place}", categories=names, missing=missing))
    return Schema(columns=tuple(columns))


@settings(deadline=None, max_examples=100)
@given(schemas(), st.integers(0, 2**31))
def test_every_row_keeps_the_schema(schema: Schema, seed: int) -> None:
    rows = generate(schema, 300, seed)
    assert rows.shape == (300, len(schema.columns))
    assert rows.dtype == np.float32
    for cells, column in zip(rows.T, schema.columns, strict=True):
        known = cells[~np.isnan(cells)]
        low, high = (np.float32(bound) for bound in column.bounds)
        assert ((low <= known) & (known <= high)).all()
        assert not column.whole or (known == np.floor(known)).all()
        assert column.missing == "impute" or len(known) == 300


def test_a_graph_answers_every_row() -> None:
    model, _ = handmade.finished()
    answers = Graph(graph.as_bytes(model)).run(generate(handmade.SCHEMA, 20_000, 0))
    assert not np.isnan(answers["probability"]).any()


def test_all_that_can_be_is_there() -> None:
    schema = Schema(
        columns=(
            Numeric(name="age", low=-3, high=5),
            Binary(name="smoker", missing="impute"),
            Categorical(name="eye", categories=("left", "right", "both")),
        )
    )
    age, smoker, eye = generate(schema, 20_000, 0).T
    assert (age.min(), age.max()) == (-3, 5)
    # The ends are seen by themselves, one row in a hundred each; in between it is uniform.
    assert (age == 5).mean() == pytest.approx(0.01, abs=0.003)
    assert (age == -3).mean() == pytest.approx(0.01, abs=0.003)
    inside = np.histogram(age[(age > -3) & (age < 5)], bins=8, range=(-3, 5))[0] / 20_000
    assert inside == pytest.approx(0.98 / 8, abs=0.01)
    assert np.isnan(smoker).mean() == pytest.approx(0.1, abs=0.01)
    assert np.nanmean(smoker) == pytest.approx(0.5, abs=0.02)
    assert np.bincount(eye.astype(int)) / 20_000 == pytest.approx(1 / 3, abs=0.02)


def test_a_seed_gives_the_same_rows_again_and_another_seed_others() -> None:
    first, again, other = (generate(handmade.SCHEMA, 100, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again, equal_nan=True)
    assert not np.array_equal(first, other, equal_nan=True)


def test_no_rows_are_no_rows() -> None:
    assert generate(handmade.SCHEMA, 0, 0).shape == (0, 4)
