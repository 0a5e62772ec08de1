"""Answers are compared person by person, in whatever order they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.batch.agreement import answers, compared, told


def frame(**changed: Any) -> pl.DataFrame:
    cells = {
        "id": [1, 2, 3],
        "probability": [0.25, 0.5, 0.75],
        "positive": [False, True, True],
        "decision": ["negative", "positive", "positive"],
        "scar": [1.0, 2.0, 3.0],
    }
    return pl.DataFrame({**cells, **changed}).cast({"probability": pl.Float32, "scar": pl.Float32})


def said(found: pl.DataFrame) -> str:
    return told(compared(found, frame(), ("scar",)))


def test_what_is_the_same_in_another_order_is_the_same() -> None:
    assert said(frame()) == "to the last bit"
    assert said(frame()[::-1]) == "to the last bit, in another order"


def test_other_numbers_and_decisions_are_told() -> None:
    assert said(frame(probability=[0.25, 0.5, 0.875])) == "within 0.1, 0 decisions other"
    assert said(frame(positive=[False, None, True])) == "within 0, 1 decisions other"


@pytest.mark.parametrize(
    ("ids", "text"),
    [([1, 2, 2], "**no**: 3 rows, 1 lost, 1 twice"), ([1, 2, 4], "**no**: 3 rows, 1 lost, 0 twice")],
)
def test_ids_amiss_are_told(ids: list[int], text: str) -> None:
    assert said(frame(id=ids)) == text


def test_a_file_of_text_and_a_folder_are_read_as_a_file(tmp_path: Path) -> None:
    text = frame().with_columns(pl.col("positive").cast(pl.String).str.to_titlecase())
    text.write_csv(tmp_path / "answers.csv")
    (tmp_path / "parts").mkdir()
    for place in range(3):
        frame()[place : place + 1].write_parquet(tmp_path / "parts" / f"{place}.parquet")
    for place in ("answers.csv", "parts"):
        assert said(answers(tmp_path / place, ("scar",))) == "to the last bit"
