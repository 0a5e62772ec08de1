from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.errors import BadInput, NoData
from models.labelled import read_site
from models.schema import Binary, Numeric, Schema

SCHEMA = Schema(columns=(Numeric(name="age", low=0, high=120), Binary(name="cough", missing="impute")))
TABLE = pl.DataFrame(
    {"id": ["p", "q", "p"], "age": ["61", "30.5", "7"], "cough": ["1", None, "0"], "sick": ["yes", " no", "yes "]}
)


def written(folder: Path, table: pl.DataFrame = TABLE, name: str = "site.csv") -> Path:
    path = folder / name
    (table.write_parquet if name.endswith(".parquet") else table.write_csv)(path)
    return path


@pytest.mark.parametrize("name", ["site.csv", "site.parquet"])
def test_rows_labels_and_patients_are_read_with_the_digest_of_the_file(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name=name)
    rows = read_site(path, SCHEMA, target="sick", positive="yes", group="id")
    assert np.array_equal(rows.columns, np.array([[61, 1], [30.5, np.nan], [7, 0]], dtype=np.float32), equal_nan=True)
    assert rows.targets is not None
    assert rows.targets.tolist() == [1, 0, 1]
    assert rows.patients is not None
    assert rows.patients.tolist() == [0, 1, 0]
    assert (rows.file, rows.digest) == (name, hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(rows) == 3
    assert rows.table.columns == TABLE.columns


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    rows = read_site(written(tmp_path), SCHEMA)
    assert (rows.targets, rows.patients) == (None, None)


def test_numbers_and_booleans_are_labels_too(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.with_columns(sick=pl.Series([True, False, True])), "site.parquet")
    rows = read_site(path, SCHEMA, target="sick", positive="true")
    assert rows.targets is not None
    assert rows.targets.tolist() == [1, 0, 1]


def test_every_bad_row_is_named_in_order(tmp_path: Path) -> None:
    table = TABLE.with_columns(age=pl.Series(["old", "30", "200"]), sick=pl.Series(["yes", "", "no"]))
    with pytest.raises(BadInput) as error:
        read_site(written(tmp_path, table), SCHEMA, target="sick", positive="yes")
    assert [str(refusal) for refusal in error.value.refusals] == [
        "rows.0.age: should be a number from 0 to 120, got 'old'.",
        "rows.1.sick: should be known, got an empty cell.",
        "rows.2.age: should be a number from 0 to 120, got '200'.",
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"target": "ill", "positive": "yes"},
            "--target: should be a column of the file (id, age, cough, sick), got 'ill'.",
        ),
        ({"target": "cough", "positive": "1"}, "--target: should not be a column that the model sees, got 'cough'."),
        ({"group": "patient"}, "--group: should be a column of the file (id, age, cough, sick), got 'patient'."),
        ({"target": "sick", "positive": "y"}, "--positive: should be one of several cells of sick (yes, no), got 'y'."),
    ],
)
def test_wrong_labels_are_refused_by_name(tmp_path: Path, options: dict[str, str], text: str) -> None:
    with pytest.raises(BadInput) as error:
        read_site(written(tmp_path), SCHEMA, **options)
    assert str(error.value) == text


def test_labels_of_one_kind_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.with_columns(sick=pl.lit("yes")))
    with pytest.raises(BadInput, match="should be one of several cells of sick"):
        read_site(path, SCHEMA, target="sick", positive="yes")


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="should hold at least one row, got none"):
        read_site(written(tmp_path, TABLE.head(0)), SCHEMA)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoData) as error:
        read_site(tmp_path / "none.csv", SCHEMA)
    assert str(error.value) == f"{tmp_path / 'none.csv'}: should be a readable file, got: No such file or directory."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("short.csv", "age,cough\n61\n"),
        ("twice.csv", "age,age,cough\n1,2,1\n"),
        ("text.parquet", "age\n1\n"),
        ("a.csv", ""),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(NoData, match="should be a CSV or Parquet file that can be read, got: "):
        read_site(tmp_path / name, SCHEMA)
