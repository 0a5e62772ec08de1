from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.asking import DONE, REFUSED, USAGE, asked
from tests.tables import people
from training.study import find_study


def test_a_study_is_written_and_the_next_command_said(here: Path) -> None:
    people(here)
    answer = asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes")
    assert (answer.code, answer.err) == (DONE, "")
    assert answer.out == "Wrote people.py. Read it, correct it, then: fulcrum train people.py\n"
    study = find_study("people.py")
    assert (study.name, study.outcome.name) == ("people", "is_sick")
    assert [model.name for model in study.models] == ["screen", "presurgical"]


def test_rows_of_one_patient_and_columns_one_must_not_see_are_named(here: Path) -> None:
    visits = pl.Series("patient", [f"p{row // 2}" for row in range(1200)])
    people(here, patient=visits, died=visits)
    options = ("--group", "patient", "--drop", "died", "--drop", "c", "--name", "Two visits", "--out", "study.py")
    answer = asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes", *options)
    assert answer.out == "Wrote study.py. Read it, correct it, then: fulcrum train study.py\n"
    study = find_study("study.py")
    assert (study.name, study.columns.names) == ("two_visits", ("a", "b"))
    assert study.split.model_dump()["column"] == "patient"


def test_a_study_that_is_there_is_replaced_only_by_force(here: Path) -> None:
    table, study = people(here, 200), here / "people.py"
    study.write_text("# mine\n")
    options = ("init", table, "--target", "Is sick?", "--positive", "yes")
    answer = asked(*options)
    assert answer.code == USAGE
    assert "people.py is there already; --force replaces it." in " ".join(answer.err.replace("│", " ").split())
    assert study.read_text() == "# mine\n"
    assert asked(*options, "--force").code == DONE
    assert find_study(str(study)).name == "people"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("people.csv", "--target", "ill", "--positive", "yes"),
            "people.csv: should have a column ill, got a, b, c, id, Is sick?.\n",
        ),
        (
            ("people.csv", "--target", "Is sick?", "--positive", "1"),
            "people.csv: Is sick?: 1 should be one of its several cells, got no, yes.\n",
        ),
        (
            ("people.csv", "--target", "Is sick?", "--positive", "yes", "--group", "patient"),
            "people.csv: should have a column patient, got a, b, c, id, Is sick?.\n",
        ),
    ],
)
def test_a_table_that_makes_no_study_is_refused_and_none_is_written(
    here: Path, arguments: tuple[str, ...], text: str
) -> None:
    people(here, 50)
    answer = asked("init", *arguments)
    assert (answer.code, answer.out, answer.err) == (REFUSED, "", text)
    assert not Path("people.py").exists()


def test_a_place_where_nothing_can_be_written_is_named(here: Path) -> None:
    people(here, 200)
    answer = asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes", "--out", "no/study.py")
    assert (answer.code, answer.err) == (REFUSED, "[Errno 2] No such file or directory: 'no/study.py'\n")


def test_a_path_is_said_as_it_is_and_in_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    folder = here / "[red]brackets" / ("a long name that does not fit a line of a terminal " * 2)
    folder.mkdir(parents=True)
    people(here, 200)
    out = folder / "study.py"
    answer = asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes", "--out", out)
    assert answer.out == f"Wrote {out}. Read it, correct it, then: fulcrum train {out}\n"
