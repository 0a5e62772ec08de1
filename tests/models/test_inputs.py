from __future__ import annotations

import numpy as np
import pytest

from models.inputs import Inputs

COLUMNS = np.arange(12, dtype=np.float32).reshape(6, 2)
IMAGE = np.random.default_rng(0).integers(0, 256, size=(6, 4, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "chosen",
    [
        slice(1, 4),
        slice(0, 0),
        np.array([True, False, False, True, True, False]),
        np.array([5, 0, 0]),
        np.array([], int),
    ],
)
def test_columns_and_images_are_chosen_together(chosen: object) -> None:
    some = Inputs(COLUMNS, IMAGE)[chosen]  # type: ignore[index]
    assert some.image is not None
    assert np.array_equal(some.columns, COLUMNS[chosen])  # type: ignore[index]
    assert np.array_equal(some.image, IMAGE[chosen])  # type: ignore[index]
    assert len(some) == len(some.columns)
    assert Inputs(COLUMNS)[chosen].image is None  # type: ignore[index]


def test_columns_alone_are_rows_and_rows_stay_what_they_are() -> None:
    rows = Inputs(COLUMNS, IMAGE)
    assert Inputs.of(rows) is rows
    assert Inputs.of(COLUMNS).columns is COLUMNS
    assert Inputs.of(COLUMNS).image is None


def test_images_of_other_rows_are_refused() -> None:
    with pytest.raises(ValueError) as caught:
        Inputs(COLUMNS, IMAGE[1:])
    assert str(caught.value) == "Expected as many rows, got columns (6, 2), image (5, 4, 5, 3)."
