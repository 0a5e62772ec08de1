from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.bundle import open_bundle
from tests import simulated
from tests.asking import DONE, REFUSED, UNREACHABLE, asked, process
from tests.tables import people
from training.study import find_study


def study(*table: str, recall: str | None = None, file: str = "people.py") -> None:
    """Write a study of people.csv, and correct it as a person would: fewer epochs, and the recall that is asked for."""
    options = table or ("--target", "Is sick?", "--positive", "yes")
    assert asked("init", "people.csv", *options, "--out", file).code == DONE
    text, changes = re.subn(r"Budget\(", "Budget(epochs=15, learning_rate=0.05, ", Path(file).read_text())
    assert changes == 2
    if recall:
        text, changes = re.subn(r"(contract=Recall)\(at_least=[\d.]+\)", rf"\1(at_least={recall})", text)
        assert changes == 1
    Path(file).write_text(text)


def test_a_study_of_ones_own_becomes_two_bundles_and_what_they_do_together(here: Path) -> None:
    people(here)
    study()
    answer = process("train", "people.py", "--out", "made", folder=here)
    assert answer.code == DONE, answer.err
    assert "Traceback" not in answer.err
    for name in ("screen", "presurgical"):
        bundle = open_bundle(here / "made" / "people" / name)
        # As a process has no terminal, lines are never broken inside a digest.
        assert f"made/people/{name}  {bundle.digest}\n" in answer.out
        assert f"kept epoch {bundle.manifest.provenance.epochs}" in answer.err
    assert answer.out.startswith("made/people/pathway.json\n")
    assert answer.out.endswith("made/people/report.png\n")
    assert Path("made/people/report.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path("made/people/pathway.json").read_text())
    checked = asked("verify", "made/people/screen", "made/people/presurgical")
    assert checked.code == DONE
    assert checked.out.count("decisions as recorded") == 2
    assert "WRONG" not in checked.out


def test_one_model_alone_keeps_patients_together_and_says_that_it_flags_nearly_everybody(here: Path) -> None:
    # What they are measured by tells little: the promise is kept by flagging nearly all.
    visits = pl.Series("patient", [f"p{row // 2}" for row in range(1200)])
    _, sick = simulated.people(1200, 1, strength=4.0)
    little = np.random.default_rng(0).normal(size=1200) + 0.4 * sick
    people(here, patient=visits, a=pl.Series(little))
    told = ("--group", "patient", "--drop", "b", "--drop", "c", "--name", "Two visits")
    study("--target", "Is sick?", "--positive", "yes", *told, recall="0.94")
    answer = asked("train", "people.py", "--only", "screen")
    assert answer.code == DONE, answer.err
    assert sorted(file.name for file in Path("out/two_visits").iterdir()) == ["report.png", "screen"]
    parts = {part.name: part.rows for part in open_bundle("out/two_visits/screen").manifest.provenance.parts}
    assert all(rows % 2 == 0 for rows in parts.values())
    assert re.search(
        r"two_visits/screen: keeps its promise by flagging 9\d\.\d% of the certification cases\.", answer.err
    )


def test_a_contract_that_can_not_be_certified_is_said_and_the_other_model_is_made(here: Path) -> None:
    people(here)
    study(recall="0.99")
    # Of a pair of which one is now made anew, and the other is no longer there.
    Path("out/people").mkdir(parents=True)
    Path("out/people/pathway.json").write_text("{}")
    answer = asked("train", "people.py")
    assert answer.code == UNREACHABLE
    assert "people/screen: recall >= 0.99 with confidence 0.95: cannot be certified. " in answer.err
    assert " more positives.\n" in answer.err
    assert "out/people/pathway.json: taken away, for it was of another pair of models.\n" in answer.err
    assert sorted(file.name for file in Path("out/people").iterdir()) == ["presurgical", "report.png"]
    assert "presurgical" in answer.out
    assert "screen" not in answer.out


def test_a_study_no_model_of_which_is_certified_writes_nothing(here: Path) -> None:
    people(here, 400)
    study(recall="0.99")
    answer = asked("train", "people.py", "--only", "screen")
    assert (answer.code, answer.out) == (UNREACHABLE, "")
    assert not Path("out").exists()


def test_a_study_that_is_nowhere_is_refused(here: Path) -> None:
    answer = asked("train", "covit")
    assert answer.code == REFUSED
    assert answer.err.startswith("covit: should be one of breast, covid")
    assert answer.err.endswith(", or the path of a study file.\n")


def test_a_model_that_is_not_in_the_study_is_refused(here: Path) -> None:
    answer = asked("train", "breast", "--only", "triage")
    assert (answer.code, answer.err) == (REFUSED, "--only: should be one of screen, presurgical, got triage.\n")


def test_a_study_whose_data_is_not_there_is_refused(here: Path) -> None:
    people(here, 200)
    study()
    assert find_study("people.py").name == "people"
    Path("people.csv").unlink()
    answer = asked("train", "people.py")
    assert (answer.code, answer.out) == (REFUSED, "")
    assert answer.err == "people.csv: should be a CSV or Parquet file, got nothing there.\n"


@pytest.mark.parametrize("seed", [0])
def test_a_table_of_pure_chance_ends_with_an_exit_code_and_no_traceback(here: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {name: random.normal(size=400) for name in "abc"}
    pl.DataFrame({**columns, "sick": random.integers(0, 2, 400)}).write_csv("people.csv")
    study("--target", "sick", "--positive", "1")
    answer = asked("train", "people.py")
    assert answer.code in {DONE, REFUSED, UNREACHABLE}
    assert answer.err
