from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.errors import BadInput, BadStudy
from tests.small_study import study
from training.labels import inputs, labels
from training.study import Outcome


def table(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"grade": ["4", "1", "0", "4"], "microns": ["1.5", None, "3", "4e2"], **columns})


def test_labels_are_one_for_the_positive_cell_and_numbers_for_symptoms() -> None:
    found = labels(study(), table())
    assert list(found) == ["sick", "thickness"]
    assert found["sick"].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert found["thickness"].tolist() == pytest.approx([1.5, float("nan"), 3.0, 400.0], nan_ok=True)
    assert {label.dtype for label in found.values()} == {np.dtype(np.float32)}


def test_an_outcome_may_be_a_number_or_a_truth() -> None:
    for cells, positive in (([4, 1, 0, 4], "4"), ([4.0, 1.0, 0.0, 4.0], "4.0"), ([True, False, False, True], "true")):
        made = study(outcome=Outcome(name="sick", column="grade", positive=positive))
        assert labels(made, table(grade=cells))["sick"].tolist() == [1.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (
            {"grade": ["4", None, "0", None]},
            "outcome.column: grade should be known in every row, got 2 empty.",
        ),
        (
            {"grade": ["3", "1", "0", "0"]},
            "outcome.positive: 4 should be one of several cells of grade, got 0, 1, 3.",
        ),
        ({"grade": ["4"] * 4}, "outcome.positive: 4 should be one of several cells of grade, got 4."),
        ({"microns": ["1", "2", "thick", None]}, "symptoms.thickness: microns should hold numbers."),
    ],
)
def test_labels_that_can_not_be_are_refused(columns: dict[str, object], text: str) -> None:
    with pytest.raises(BadStudy) as caught:
        labels(study(), table(**columns))
    assert str(caught.value) == text


@pytest.mark.parametrize("column", ["grade", "microns"])
def test_a_label_that_is_not_in_the_table_is_named(column: str) -> None:
    rest = table().drop(column)
    with pytest.raises(BadStudy) as caught:
        labels(study(), rest)
    assert str(caught.value) == f"eyes: {column} should be a column of the table ({rest.columns[0]})."


def test_a_row_that_breaks_the_schema_is_refused_and_none_is_dropped() -> None:
    rows = pl.DataFrame({"age": ["61", "old", "70"], "fluid": [1.0, 2.0, 1e4]})
    with pytest.raises(BadInput) as caught:
        inputs(study(), rows)
    assert str(caught.value) == (
        "rows.1.age: should be a number from 0 to 120, got 'old'.\n"
        "rows.2.fluid: should be a number from 0 to 900, got 10000.0."
    )
    assert inputs(study(), rows[:1]).columns.tolist() == [[61.0, 1.0]]
