from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from models.curve import Curve
from models.errors import BadInput
from models.grouping import Grouping, curves, subgroups
from tests import handmade

NAN = float("nan")
COLUMNS = np.array([[17, NAN, 1, 0], [18, 5, 0, 1], [64.9, 5, NAN, 1], [65, 5, 0, 0]], dtype=np.float32)
TABLE = pl.DataFrame({"town": ["a", None, "b", "a"], "income": ["1", None, "30", "20"], "word": ["x", "y", "z", "1"]})


def members(grouping: Grouping) -> list[str]:
    return [str(name) for name in grouping.members(handmade.SCHEMA, COLUMNS, TABLE)]


@pytest.mark.parametrize(
    ("grouping", "names"),
    [
        (Grouping(column="eye"), ["left", "right", "right", "left"]),
        (Grouping(column="new_vessels"), ["yes", "no", "not known", "no"]),
        (
            Grouping(column="age", cuts=(18, 65)),
            ["under 18", "18 to under 65", "18 to under 65", "65 and more"],
        ),
        (Grouping(column="fluid", cuts=(5,)), ["not known", "5 and more", "5 and more", "5 and more"]),
        (Grouping(column="town"), ["a", "not known", "b", "a"]),
        (Grouping(column="income", cuts=(20,)), ["under 20", "not known", "20 and more", "20 and more"]),
    ],
)
def test_people_are_told_apart_by_what_a_column_says(grouping: Grouping, names: list[str]) -> None:
    assert members(grouping) == names


@pytest.mark.parametrize(
    ("grouping", "text"),
    [
        (Grouping(column="nowhere"), "groupings: nowhere should be a column of the table, got none."),
        (Grouping(column="eye", cuts=(1,)), "groupings: eye holds no numbers and should have no cuts, got some."),
        (Grouping(column="age"), "groupings: age holds numbers and should have cuts, got none."),
    ],
)
def test_a_grouping_that_does_not_fit_its_column_is_refused(grouping: Grouping, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        members(grouping)
    assert str(caught.value) == text


def test_text_that_is_to_be_cut_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^groupings\.word: should hold numbers, as it is cut, got "):
        members(Grouping(column="word", cuts=(1,)))


@pytest.mark.parametrize("cuts", [(2.0, 1.0), (1.0, 1.0)])
def test_cuts_rise(cuts: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        Grouping(column="age", cuts=cuts)
    assert caught.value.errors()[0]["msg"] == f"Value error, should rise, got {cuts[0]}, {cuts[1]}"


def test_every_subgroup_has_the_curve_of_its_own_people() -> None:
    probabilities, targets = np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32), np.array([0, 1, 0, 1], dtype=np.float32)
    told = {column: Grouping(column=column).members(handmade.SCHEMA, COLUMNS, TABLE) for column in ("eye", "town")}
    found = curves(subgroups(told, probabilities, targets, prevalence=0.3))
    assert list(found) == ["eye=left", "eye=right", "town=a", "town=b", "town=not known"]
    assert found["eye=left"] == Curve.of([0.1, 0.4], [0, 1], prevalence=0.3)
    assert found["town=not known"] == Curve.of([0.2], [1], prevalence=0.3)
