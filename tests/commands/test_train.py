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
from tests.one_network import one_network
from tests.tables import people
from training.study import find_study


def study(*table: str, recall: str | None = None, file: str = "people.py", whole: bool = False) -> None:
    """Write a study of people.csv, and correct it as a person would: little training, and the recall asked for.

    Unless it stays `whole`, one plain network answers.
    """
    options = table or ("--target", "Is sick?", "--positive", "yes")
    told = ("--recall", recall) if recall else ()
    assert asked("init", "people.csv", *options, *told, "--out", file).code == DONE
    text, changes = re.subn(r"epochs=\d+, batch=\d+", "epochs=3, batch=256", Path(file).read_text())
    assert changes == 1
    text, changes = re.subn(r"folds=\d+, repeats=\d+", "folds=3, repeats=1", text)
    assert changes == 1
    Path(file).write_text(text if whole else one_network(text))


def test_a_study_of_ones_own_becomes_two_bundles_and_what_they_do_together(here: Path) -> None:
    people(here)
    study(whole=True)
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
    # Of the two visits of a patient both teach, and one is certified on.
    assert parts == {"training": 1200, "validation": 0, "certification": 600, "test": 0}
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
    assert "people/screen: recall >= 0.99 with confidence 0.9: cannot be certified. " in answer.err
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


def test_a_budget_goes_into_more_copies(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people(here, 400)
    study()
    monkeypatch.setattr("commands.train.MOST_COPIES", 6)
    answer = asked("train", "people.py", "--only", "screen", "--budget", "2")
    assert answer.code == DONE, answer.err
    assert "There is time for 6 copies in place of 3.\n" in answer.err
    found = open_bundle("out/people/screen").manifest.cross_fitted
    assert found is not None
    assert (found.folds, found.repeats) == (3, 2)


def test_a_budget_is_refused_where_there_are_no_copies(here: Path) -> None:
    answer = asked("train", "breast", "--only", "screen", "--budget", "1")
    assert answer.code == REFUSED
    assert answer.err.endswith(
        "--budget: should be left out where the split is no CrossFit: there are no copies to add.\n"
    )


def test_a_search_chooses_by_people_that_nothing_is_certified_on(here: Path) -> None:
    people(here, 400)
    study("--target", "Is sick?", "--positive", "yes", "--searched", "0.4", recall="0.8")
    answer = asked("train", "people.py", "--only", "screen", "--search", "0.01")
    assert answer.code == DONE, answer.err
    assert "Wrote out/people/people_searched.py\n" in answer.out
    manifest = open_bundle("out/people_searched/screen").manifest
    parts = {part.name: part.rows for part in manifest.provenance.parts}
    assert parts["training"] == 400
    assert parts["validation"] + parts["certification"] == 400
    assert parts["validation"] == pytest.approx(160, abs=1)


def test_a_search_without_people_to_choose_by_is_refused(here: Path) -> None:
    people(here, 400)
    study()
    answer = asked("train", "people.py", "--search", "0.01")
    assert answer.code == REFUSED
    assert answer.err == (
        "split.searched: should be above 0 to search for models: on what they are chosen by, none is certified.\n"
    )
