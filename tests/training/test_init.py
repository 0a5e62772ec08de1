from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.errors import BadStudy, NoData
from models.schema import Binary, Categorical, Column, Numeric
from training.inferred import LARGEST, infer
from training.init import Asked, identifier, study_text
from training.recipe import recipe
from training.run import load
from training.sources.file import File
from training.split import CrossFit
from training.study import Study, find_study

ROWS = 120
SICK = ["1" if row % 4 == 0 else "0" for row in range(ROWS)]
NUMBER = [str(row) for row in range(ROWS)]


def written(folder: Path, columns: dict[str, Any], **asked: Any) -> tuple[Study, str]:
    """The study that is written for a CSV file of these columns, read back, and its text."""
    file = folder / "people.csv"
    pl.DataFrame(columns).write_csv(file)
    return read_back(folder, file, **asked)


def typed(folder: Path, columns: dict[str, Any], **asked: Any) -> tuple[Study, str]:
    """The same for a Parquet file."""
    file = folder / "people.parquet"
    pl.DataFrame(columns).write_parquet(file)
    return read_back(folder, file, **asked)


def read_back(folder: Path, file: Path, **asked: Any) -> tuple[Study, str]:
    text = study_text(file, **{"target": "sick", "positive": "1", "name": "people", **asked})
    (folder / "people.py").write_text(text, encoding="utf-8")
    return find_study(str(folder / "people.py")), text


def inferred(cells: Any, **kind: Any) -> Column | str:
    found = infer(pl.DataFrame({"x": pl.Series(cells, **kind)}))
    return found.columns[0] if found.columns else found.left_out["x"]


IMPUTE: dict[str, Any] = {"missing": "impute"}


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        # Half the span more on either side, rounded outwards to two digits; a natural 0 stays.
        (["20", "90"], Numeric(name="x", low=0, high=130)),
        (["35.5", "41.25"], Numeric(name="x", low=32, high=45)),
        (["-3", "5"], Numeric(name="x", low=-7, high=9)),
        (["-3", "-1"], Numeric(name="x", low=-4, high=0)),
        (["0", "0.004"], Numeric(name="x", low=0, high=0.006)),
        (["1e5", "1.1e5"], Numeric(name="x", low=95000, high=120000)),
        ([" 1 ", "2 "], Numeric(name="x", low=0.5, high=2.5)),
        (["1", "0"], Binary(name="x")),
        (["1.0", "0"], Binary(name="x")),
        (["true", "False"], Binary(name="x")),
        (["TRUE", "0", None], Binary(name="x", **IMPUTE)),
        ([True, False, None], Binary(name="x", **IMPUTE)),
        ([0, 1], Binary(name="x")),
        ([1.5, 2.5, None], Numeric(name="x", low=1, high=3, **IMPUTE)),
        (["left", "right", " left "], Categorical(name="x", categories=("left", "right"))),
        (["yes", "no", None], Categorical(name="x", categories=("no", "yes"), **IMPUTE)),
        (["1", "2", "many"], Categorical(name="x", categories=("1", "2", "many"))),
        (["1", "inf"], Categorical(name="x", categories=("1", "inf"))),
        (
            [str(row) + "a" for row in range(30)],
            Categorical(name="x", categories=tuple(sorted(f"{n}a" for n in range(30)))),
        ),
        (["a", "b"], Categorical(name="x", categories=("a", "b"))),
    ],
)
def test_a_column_is_what_its_cells_say(cells: list[Any], column: Column) -> None:
    assert inferred(cells) == column


@pytest.mark.parametrize(
    ("kind", "cells", "column"),
    [
        (pl.Categorical, ["b", "a"], Categorical(name="x", categories=("a", "b"))),
        (pl.Enum(["b", "a", "c"]), ["b", "a"], Categorical(name="x", categories=("a", "b"))),
        (pl.Int8, [3, 7], Numeric(name="x", low=1, high=9)),
        (pl.UInt64, [3, 7], Numeric(name="x", low=1, high=9)),
        (pl.Float32, [3, 7], Numeric(name="x", low=1, high=9)),
    ],
)
def test_a_typed_column_is_what_its_type_says(kind: Any, cells: list[Any], column: Column) -> None:
    assert inferred(cells, dtype=kind) == column


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["a", "a"], "it never changes"),
        (["a", " a"], "it never changes"),
        (["5", "5.0"], "it never changes"),
        (["a", None], "it never changes"),
        ([None, None], "it never changes"),
        ([3, 3, None], "it never changes"),
        ([1.5, float("nan")], "some of its numbers are not finite"),
        ([1.5, float("inf")], "some of its numbers are not finite"),
        ([0.0, 2 * LARGEST], "some of its numbers are too large for 32 bits"),
        ([str(row) + "a" for row in range(31)], "it holds 31 different words: a name, a date or a free text"),
        ([f"clinic {row % 80}" for row in range(3999)], "it holds 80 different words: a name, a date or a free text"),
        ([date(2020, 1, 1), date(2020, 1, 2)], "it holds Date, neither numbers nor words"),
        ([timedelta(1), timedelta(2)], "it holds Duration(time_unit='us'), neither numbers nor words"),
        ([[1], [2]], "it holds List(Int64), neither numbers nor words"),
        ([b"a", b"b"], "it holds Binary, neither numbers nor words"),
    ],
)
def test_a_column_that_can_not_be_learnt_from_is_left_out_with_the_reason(cells: list[Any], reason: str) -> None:
    assert inferred(cells) == reason


@pytest.mark.parametrize("numbers", [(-LARGEST, LARGEST), (0.0, LARGEST), (1e-300, 3e-300), (-1e-9, 1e9), (7, 8)])
def test_every_number_of_the_table_is_inside_the_range_that_is_inferred(numbers: tuple[float, float]) -> None:
    column = inferred(list(numbers))
    assert isinstance(column, Numeric)
    assert column.low <= min(numbers)
    assert column.high >= max(numbers)


def test_the_study_that_is_written_is_the_one_that_was_meant(tmp_path: Path) -> None:
    study, text = written(
        tmp_path,
        {
            "sick": SICK,
            "age": [str(20 + row % 60) for row in range(ROWS)],
            "smoker": ["1", "0", ""] * 40,
            "eye": ["left", "right", "NA"] * 40,
            "site": ["Berlin"] * ROWS,
            "id": [f"person {row}" for row in range(ROWS)],
        },
    )
    assert study.columns.columns == (
        Numeric(name="age", low=0, high=110),
        Binary(name="smoker", missing="impute"),
        Categorical(name="eye", categories=("left", "right"), missing="impute"),
    )
    assert (study.name, study.source) == ("people", File(path=str(tmp_path / "people.csv"), empty=("NA",)))
    assert study.outcome.model_dump() == {"name": "sick", "column": "sick", "positive": "1", "meaning": ""}
    assert study.split == CrossFit(folds=10, repeats=2)
    assert [model.name for model in study.models] == ["screen", "presurgical"]
    # The text writes out what the recipe for so many rows says.
    meant = recipe(ROWS, 30).fields("sick")
    for model in study.models:
        assert {name: getattr(model, name) for name in meant} == meant
    # 30 positives, all of them certified on.
    assert study.models[0].contract == Recall(at_least=0.9, confidence=0.9)
    assert study.models[1].contract == Precision(at_least=0.7, prevalence=0.25, confidence=0.9)
    assert "# Left out: site, because it never changes.\n" in text
    assert "# Left out: id, because it is an identifier: every row has its own.\n" in text
    parts = load(study).parts
    assert {name: len(part.columns) for name, part in parts.items()} == {
        "training": ROWS,
        "validation": 0,
        "certification": ROWS,
        "test": 0,
    }


def test_the_text_is_laid_out_and_free_of_complaints(tmp_path: Path) -> None:
    _, text = written(tmp_path, {"sick": SICK, "age": NUMBER, "eye": ["a", "b"] * 60, "smoker": ["1", "0", ""] * 40})
    file = tmp_path / "people.py"
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E9,F,I,W,UP", "--line-length", "120"]
    done = subprocess.run([*ruff, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert text.startswith('"""people: sick, 120 rows of which 30 positive."""\n\nfrom models.background import')
    compile(text, "people.py", "exec")


AWKWARD = (
    "it's",
    "back\\slash",
    "back\\",
    "{braces}",
    "two\nlines",
    "tab\there",
    'triple """quotes',
    "Überschrift 日本",
    "a, b; c # d",
    "%s {x!r}",
    " around ",
    "\nimport os",
)


@pytest.mark.parametrize("word", AWKWARD)
def test_any_word_may_be_a_column_a_category_a_target_a_positive_and_a_left_out_column(
    tmp_path: Path, word: str
) -> None:
    # Parquet, as a CSV reader may change names with quotes.
    study, _ = typed(
        tmp_path,
        {
            f"{word} target": [word if row % 4 == 0 else "no" for row in range(ROWS)],
            word: list(range(ROWS)),
            f"{word} kinds": [word, "other"] * 60,
            f"{word} left out": ["same"] * ROWS,
            f"{word} group": [row // 2 for row in range(ROWS)],
        },
        target=f"{word} target",
        positive=word,
        group=f"{word} group",
    )
    assert study.columns.names == (word, f"{word} kinds")
    kinds = study.columns.columns[1]
    assert isinstance(kinds, Categorical)
    assert set(kinds.categories) == {word.strip(), "other"}
    assert (study.outcome.column, study.outcome.positive) == (f"{word} target", word)
    assert study.split == CrossFit(folds=10, repeats=2, column=f"{word} group", certify_one_each=True)
    training = load(study).parts["training"]
    assert len(training.columns) == ROWS
    assert training.labels[study.outcome.name].sum() == ROWS / 4


def test_words_for_not_known_are_named_only_where_the_file_uses_them(tmp_path: Path) -> None:
    study, text = written(tmp_path, {"sick": SICK, "age": ["NA", "?", "3", "4"] * 30, "eye": ["a", "b", "n/a"] * 40})
    assert isinstance(study.source, File)
    assert study.source.empty == ("NA", "?")
    assert study.columns.columns == (
        Numeric(name="age", low=2.5, high=4.5, missing="impute"),
        Categorical(name="eye", categories=("a", "b", "n/a")),
    )
    plain, text = written(tmp_path, {"sick": SICK, "age": NUMBER})
    assert "empty=" not in text
    assert plain.source == File(path=str(tmp_path / "people.csv"))


def test_rows_of_one_patient_stay_together(tmp_path: Path) -> None:
    columns = {"sick": SICK, "age": NUMBER, "patient": [f"p{row // 3}" for row in range(ROWS)]}
    study, _ = written(tmp_path, columns, group="patient")
    assert study.split == CrossFit(folds=10, repeats=2, column="patient", certify_one_each=True)
    assert study.columns.names == ("age",)
    loaded = load(study)
    # Three rows a patient: one of them is certified on, all are in one fold.
    assert len(loaded.parts["certification"].columns) == ROWS / 3
    assert loaded.crossed is not None
    of_patients = loaded.crossed.held.reshape(ROWS // 3, 3, -1)
    assert (of_patients == of_patients[:, :1]).all()


def test_many_words_are_categories_where_there_are_many_rows_of_each() -> None:
    found = inferred([f"clinic {row % 80:02}" for row in range(4000)])
    assert isinstance(found, Categorical)
    assert found.categories == tuple(f"clinic {row:02}" for row in range(80))


def test_dropped_columns_are_not_seen(tmp_path: Path) -> None:
    study, text = written(tmp_path, {"sick": SICK, "age": NUMBER, "died": SICK, "bill": NUMBER}, drop=["died", "bill"])
    assert study.columns.names == ("age",)
    assert "died" not in text


@pytest.mark.parametrize("target", ["weights", "inputs", "embedding", "type", "positive", "1st", "Ü"])
def test_a_target_may_be_called_anything(tmp_path: Path, target: str) -> None:
    study, _ = written(tmp_path, {target: SICK, "age": NUMBER}, target=target)
    assert study.outcome.column == target
    assert study.heads == (study.outcome.name,)


def test_a_typed_target_is_named_as_it_is_written(tmp_path: Path) -> None:
    first = datetime(2020, 1, 1, tzinfo=UTC)
    base = {"age": list(range(ROWS)), "seen": [first + timedelta(row) for row in range(ROWS)]}
    for cells, positive in (
        ([row % 4 == 0 for row in range(ROWS)], "true"),
        ([row % 4 for row in range(ROWS)], "0"),
        ([float(row % 4) for row in range(ROWS)], "0.0"),
    ):
        study, text = typed(tmp_path, {"sick": cells, **base}, positive=positive)
        assert load(study).parts["training"].labels["sick"].sum() == ROWS / 4
        assert "# Left out: seen, because it holds Datetime" in text


@pytest.mark.parametrize(
    ("positives", "at_least"), [(10, 0.8), (11, 0.8), (15, 0.85), (22, 0.9), (44, 0.9), (45, 0.95), (900, 0.95)]
)
def test_the_promise_that_is_asked_for_is_one_that_many_positives_can_carry(
    tmp_path: Path, positives: int, at_least: float
) -> None:
    columns = {"sick": ["1"] * positives + ["0"] * 1000, "age": [str(row) for row in range(positives + 1000)]}
    study, _ = written(tmp_path, columns)
    contract = study.models[0].contract
    assert contract == Recall(at_least=at_least, confidence=0.9)
    certification = load(study).parts["certification"]
    assert isinstance(contract, Recall)
    if positives > 10:
        assert certification.labels["sick"].sum() >= contract.positives_needed


@pytest.mark.parametrize("rows", [ROWS, 2_000, 30_000])
def test_the_networks_that_are_written_are_those_of_the_recipe(tmp_path: Path, rows: int) -> None:
    sick = np.where(np.arange(rows) % 5 == 0, "1", "0")
    study, text = written(tmp_path, {"sick": sick, "age": np.arange(rows).astype(str)})
    spared = 0.15 if rows == 30_000 else 0.0
    taught = rows * (1 - spared)
    meant = recipe(int(taught), int(taught / 5)).fields("sick")
    for model in study.models:
        assert {name: getattr(model, name) for name in meant} == meant
    assert ("Beside" in text) is (taught < 20_000)
    assert isinstance(study.split, CrossFit)
    assert study.split.test == spared


def test_the_promises_that_are_asked_for_are_written(tmp_path: Path) -> None:
    asked = Asked(recall=0.97, precision=0.6, confidence=0.99, prevalence=0.02, searched=0.25)
    study, _ = written(tmp_path, {"sick": SICK, "age": NUMBER}, asked=asked)
    assert study.models[0].contract == Recall(at_least=0.97, confidence=0.99)
    assert study.models[1].contract == Precision(at_least=0.6, prevalence=0.02, confidence=0.99)
    assert study.split == CrossFit(folds=10, repeats=2, searched=0.25)
    parts = load(study).parts
    assert len(parts["validation"].columns) + len(parts["certification"].columns) == len(parts["training"].columns)
    assert len(parts["validation"].columns) == pytest.approx(ROWS / 4, abs=1)


def test_the_rarer_the_sick_the_less_precision_is_asked_for(tmp_path: Path) -> None:
    asked = []
    for every in (2, 10, 100, 1000):
        sick = ["1" if row % every == 0 else "0" for row in range(4000)]
        study, _ = written(tmp_path, {"sick": sick, "age": [str(row) for row in range(4000)]})
        contract = study.models[1].contract
        assert isinstance(contract, Precision)
        assert contract.prevalence == pytest.approx(1 / every)
        asked.append(contract.at_least)
    assert asked == sorted(asked, reverse=True)
    assert asked[0] == 0.9
    assert asked[-1] < 0.1


@pytest.mark.parametrize(
    ("columns", "asked", "text"),
    [
        ({}, {"target": "ill"}, "should have a column ill, got sick, age."),
        ({}, {"group": "patient"}, "should have a column patient, got sick, age."),
        ({}, {"drop": ["age", "site"]}, "should have a column site, got sick, age."),
        ({}, {"positive": "yes"}, "sick: yes should be one of its several cells, got 0, 1."),
        ({"sick": ["1"] * ROWS}, {}, "sick: 1 should be one of its several cells, got 1."),
        ({"sick": ["1", "0", None] * 40}, {}, "sick: should be known in every row, got 40 empty cells."),
        ({"sick": ["1", "0", "NA"] * 40}, {}, "sick: should be known in every row, got 40 empty cells."),
        ({}, {"group": "sick"}, "sick: says who is sick, so it should not name the patient too."),
        ({"age": ["7"] * ROWS}, {}, "no column is left to learn from: age: it never changes."),
        ({}, {"drop": ["age"]}, "no column is left to learn from: there is none."),
    ],
)
def test_a_table_that_makes_no_study_is_refused(
    tmp_path: Path, columns: dict[str, Any], asked: dict[str, Any], text: str
) -> None:
    with pytest.raises(BadStudy) as caught:
        written(tmp_path, {"sick": SICK, "age": NUMBER, **columns}, **asked)
    assert str(caught.value) == f"{tmp_path / 'people.csv'}: {text}"


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoData) as caught:
        study_text(tmp_path / "nobody.csv", target="sick", positive="1", name="x")
    assert str(caught.value).startswith(f"{tmp_path / 'nobody.csv'}: should be a csv file, got: ")


def test_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    study, text = written(tmp_path, {"": NUMBER, "sick": SICK, "age": NUMBER})
    assert study.columns.names == ("age",)
    assert "because it has no name.\n" in text


@pytest.mark.parametrize(
    ("text", "name"), [("Age > 60?", "age_60"), ("1st visit", "study_1st_visit"), ("___", "study"), ("Größe", "gr_e")]
)
def test_a_name_is_made_of_letters_digits_and_underscores(text: str, name: str) -> None:
    assert identifier(text) == name


def test_identifiers_and_dates_are_left_out_whatever_they_look_like() -> None:
    rows = pl.DataFrame(
        {
            "patient_id": [7, 8, 9, 10],
            "ID": ["a", "b", "c", "d"],
            "paid": [1.0, 2.0, 3.0, 4.0],
            "visit": ["2020-01-01", "2020-01-02", "2020-01-02", "2020-01-01"],
            "grid": [1.0, 2.0, 2.0, 4.0],
        }
    )
    found = infer(rows)
    assert [column.name for column in found.columns] == ["paid", "grid"]
    assert found.left_out == {
        "patient_id": "it is an identifier: every row has its own",
        "ID": "it is an identifier: every row has its own",
        "visit": "it holds dates",
    }
