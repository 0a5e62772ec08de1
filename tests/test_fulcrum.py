"""The command line as a person and a script meet it: what it writes, says, and exits with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import fulcrum
from models.bundle import Bundle, open_bundle, write_bundle
from models.manifest import Probe
from tests import handmade, simulated
from training.study import find_study

ROOT = Path(__file__).parents[1]
DONE, USAGE, REFUSED, UNREACHABLE, UNSOUND, SOME_REFUSED = 0, 2, 3, 4, 5, 6


@dataclass(frozen=True)
class Answer:
    """What a command said and exited with; lines that were broken to fit a terminal are joined."""

    code: int
    out: str
    err: str


def asked(*arguments: object) -> Answer:
    """Run a command here, in the working folder."""
    result = CliRunner().invoke(fulcrum.app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def process(*arguments: object, folder: Path) -> Answer:
    """Run a command as its own process, as `fulcrum` does."""
    command = [sys.executable, str(ROOT / "fulcrum.py"), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # A terminal wide enough that no line is broken.
    monkeypatch.setenv("COLUMNS", "250")
    return tmp_path


def people(folder: Path, rows: int = 1200, **columns: pl.Series) -> Path:
    """A CSV file of simulated people: `sick` yes or no, three measurements, an id."""
    values, sick = simulated.people(rows, 1, strength=4.0)
    table = pl.DataFrame(values, schema=["a", "b", "c"]).with_columns(
        pl.Series("id", [f"person {row}" for row in range(rows)]),
        pl.Series("Is sick?", np.where(sick > 0, "yes", "no")),
        **columns,
    )
    table.write_csv(folder / "people.csv")
    return folder / "people.csv"


# Help


def test_help_names_every_command_and_every_exit_code() -> None:
    answer = process("--help", folder=ROOT)
    assert (answer.code, answer.err) == (DONE, "")
    for word in ("init", "train", "verify", "score", "serve", "Exit codes: 0 done; 2 wrong usage; 3 input"):
        assert word in answer.out


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("init", ("--target", "--positive", "--group", "--drop", "--force", "[required]")),
        ("train", ("--out", "--only", "exit", "code 4")),
        ("verify", ("models/covid/screen", "Every digest")),
        ("score", ("--bundle", "--strict", "--threshold", "--prevalence")),
        ("serve", ("--bundles", "--host", "--port", "POST /screen")),
    ],
)
def test_the_help_of_each_command_says_what_it_takes(command: str, words: tuple[str, ...]) -> None:
    answer = asked(command, "--help")
    assert answer.code == DONE
    for word in words:
        assert word in answer.out, word


def test_help_is_asked_for_without_loading_what_training_or_serving_needs() -> None:
    program = "import sys, fulcrum; print(sorted({'torch', 'bentoml', 'onnxruntime', 'polars'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_a_command_help_is_shown_as_wrong_usage() -> None:
    answer = asked()
    assert answer.code == USAGE
    assert "Usage: " in answer.out + answer.err


@pytest.mark.parametrize("arguments", [("guess",), ("train",), ("init", "a.csv"), ("verify", "--loud", "a")])
def test_wrong_usage_has_an_exit_code_of_its_own(arguments: tuple[str, ...]) -> None:
    assert asked(*arguments).code == USAGE


# From a table of one's own to bundles


def test_a_table_becomes_a_study_and_the_study_bundles(here: Path) -> None:
    people(here)
    answer = asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes")
    assert answer.code == DONE
    assert answer.out == "Wrote people.py. Read it, correct it, then: fulcrum train people.py\n"
    assert find_study("people.py").outcome.name == "is_sick"
    answer = process("train", "people.py", "--out", "made", folder=here)
    assert answer.code == DONE, answer.err
    assert "Traceback" not in answer.err
    for name in ("screen", "presurgical"):
        bundle = open_bundle(here / "made" / "people" / name)
        # As a process has no terminal, lines are never broken inside a digest.
        assert f"made/people/{name}  {bundle.digest}\n" in answer.out
        assert f"kept epoch {bundle.manifest.provenance.epochs}" in answer.err
    assert answer.out.endswith("made/people/report.png\n")
    assert (here / "made" / "people" / "report.png").read_bytes().startswith(b"\x89PNG")
    answer = asked("verify", "made/people/screen", "made/people/presurgical")
    assert answer.code == DONE
    assert answer.out.count("decisions as recorded") == 2
    assert "WRONG" not in answer.out


def test_rows_of_one_patient_and_columns_one_must_not_see_are_named(here: Path) -> None:
    visits = pl.Series("patient", [f"p{row // 2}" for row in range(1200)])
    people(here, patient=visits, died=visits)
    options = ("--group", "patient", "--drop", "died", "--drop", "c", "--name", "Two visits", "--out", "study.py")
    answer = asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes", *options)
    assert answer.out == "Wrote study.py. Read it, correct it, then: fulcrum train study.py\n"
    study = find_study("study.py")
    assert (study.name, study.columns.names) == ("two_visits", ("a", "b"))
    assert study.split.model_dump()["column"] == "patient"
    answer = asked("train", "study.py", "--only", "screen")
    assert answer.code == DONE, answer.err
    assert sorted(file.name for file in Path("out/two_visits").iterdir()) == ["report.png", "screen"]
    parts = {part.name: part.rows for part in open_bundle("out/two_visits/screen").manifest.provenance.parts}
    assert all(rows % 2 == 0 for rows in parts.values())


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


# Training


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
    asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes")
    Path("people.csv").unlink()
    answer = process("train", "people.py", folder=here)
    assert (answer.code, answer.err) == (
        REFUSED,
        "people.csv: should be a CSV or Parquet file, got nothing there.\n",
    )


def ask_for_too_much() -> None:
    """Correct the study that was written, as a person would, to a recall that needs 299 positives."""
    text, changes = re.subn(r"Recall\(at_least=0\.\d+\)", "Recall(at_least=0.99)", Path("people.py").read_text())
    assert changes == 1
    Path("people.py").write_text(text)


def test_a_contract_that_can_not_be_certified_is_said_and_the_other_model_is_made(here: Path) -> None:
    people(here)
    asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes")
    ask_for_too_much()
    answer = asked("train", "people.py")
    assert answer.code == UNREACHABLE
    assert "people/screen: recall >= 0.99 with confidence 0.95: cannot be certified. " in answer.err
    assert " more positives." in answer.err
    assert sorted(file.name for file in Path("out/people").iterdir()) == ["presurgical", "report.png"]
    assert "presurgical" in answer.out
    assert "screen" not in answer.out


def test_a_study_no_model_of_which_is_certified_writes_nothing(here: Path) -> None:
    people(here, 400)
    asked("init", "people.csv", "--target", "Is sick?", "--positive", "yes")
    ask_for_too_much()
    answer = asked("train", "people.py", "--only", "screen")
    assert (answer.code, answer.out) == (UNREACHABLE, "")
    assert not Path("out").exists()


def test_a_table_of_pure_chance_ends_with_an_exit_code_and_no_traceback(here: Path) -> None:
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=400) for name in "abc"}
    pl.DataFrame({**columns, "sick": random.integers(0, 2, 400)}).write_csv("people.csv")
    asked("init", "people.csv", "--target", "sick", "--positive", "1")
    answer = asked("train", "people.py")
    assert answer.code in {DONE, REFUSED, UNREACHABLE}
    assert answer.err


def test_without_torch_it_is_said_how_training_is_installed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fulcrum, "find_spec", lambda name: None)
    for arguments in (("train", "breast"), ("init", "a.csv", "--target", "x", "--positive", "y")):
        answer = asked(*arguments)
        assert answer.code == REFUSED
        assert answer.err == "Training needs more than serving does: pip install 'fulcrum-screening[train]'\n"


# Verifying


def probed(folder: Path, *, wrong: bool = False) -> Bundle:
    """A hand-made bundle that recorded one answer, or another than it gives."""
    model, manifest = handmade.finished("screen")
    cells = tuple(float(cell) for cell in np.nan_to_num(handmade.encoded(1)[0]))
    probability = 1 / (1 + np.exp(-handmade.logits(np.array([cells], dtype=np.float32))[0]))
    positive = bool(probability >= manifest.point.threshold)
    probe = Probe(columns=cells, probability=probability, positive=positive ^ wrong)
    return write_bundle(
        folder / "handmade" / "screen",
        model=model,
        manifest=manifest.model_copy(update={"probes": (probe,)}),
        card="# Hand-made\n",
    )


def test_a_sound_bundle_is_verified(here: Path) -> None:
    bundle = probed(here)
    answer = process("verify", "handmade/screen", folder=here)
    assert (answer.code, answer.err) == (DONE, "")
    assert "handmade/screen: recall >= 0.9 with confidence 0.95" in answer.out
    assert answer.out.count(" ok ") == 4
    assert bundle.digest in answer.out.replace("\n", "") or bundle.digest[:20] in answer.out


@pytest.mark.parametrize("name", ["model.onnx", "CARD.md"])
def test_pitfall_a_single_byte_that_was_changed_is_found_and_its_file_named(here: Path, name: str) -> None:
    bundle = probed(here)
    file = bundle.folder / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    answer = asked("verify", "handmade/screen")
    assert (answer.code, answer.out) == (UNSOUND, "")
    assert answer.err.startswith(f"handmade/screen/{name}: should have SHA-256 ")


def test_a_bundle_that_answers_otherwise_than_recorded_is_wrong(here: Path) -> None:
    probed(here, wrong=True)
    answer = asked("verify", "handmade/screen")
    assert answer.code == UNSOUND
    assert [line.split("│")[1:4:2] for line in answer.out.splitlines() if "WRONG" in line] == [
        [" WRONG ", f" {'1 of 1 differ':{len(line.split('│')[3]) - 2}} "]
        for line in answer.out.splitlines()
        if "WRONG" in line
    ]
    assert answer.out.count("WRONG") == 1


def test_of_several_bundles_one_that_is_wrong_is_enough(here: Path) -> None:
    handmade.bundle(here / "good", "presurgical")
    probed(here, wrong=True)
    answer = asked("verify", "handmade/screen", "good/handmade/presurgical")
    assert answer.code == UNSOUND
    assert "handmade/presurgical: precision" in answer.out


def test_a_folder_without_a_bundle_is_named(here: Path) -> None:
    answer = asked("verify", "nothing")
    assert (answer.code, answer.err) == (
        UNSOUND,
        "nothing/manifest.json: should be a readable file, got: No such file or directory.\n",
    )


# Scoring and serving: what they do is tested with them; here, that they are reached


def test_a_file_is_scored_and_refused_rows_are_counted(here: Path) -> None:
    handmade.bundle(here, "screen")
    rows = pl.DataFrame(handmade.rows(50)).with_columns(pl.Series("id", range(50)))
    rows.write_csv("good.csv")
    answer = asked("score", "good.csv", "scores.csv", "--bundle", "handmade/screen")
    assert answer.code == DONE, answer.err
    positive = int(
        (pl.read_csv("scores.csv")["positive"].cast(pl.String).str.to_lowercase().is_in(["true", "1"])).sum()
    )
    assert answer.out == (
        f"handmade/screen: 50 rows = {positive} positive + {50 - positive} negative + 0 refused\nWrote scores.csv.\n"
    )
    rows.with_columns(pl.when(pl.col("id") == 7).then(1e6).otherwise("age").alias("age")).write_csv("bad.csv")
    answer = asked("score", "bad.csv", "other.csv", "--bundle", "handmade/screen")
    assert answer.code == SOME_REFUSED
    assert " + 1 refused\nWrote other.csv. Refused rows: " in answer.out
    answer = asked("score", "bad.csv", "strict.csv", "--bundle", "handmade/screen", "--strict")
    assert answer.code == REFUSED
    assert "rows.7.age: should be a number from 0 to 120 years, got " in answer.err
    assert not Path("strict.csv").exists()


def test_bundles_that_are_not_sound_are_not_served(here: Path) -> None:
    handmade.bundle(here, "screen")
    answer = asked("serve", "--bundles", "handmade")
    assert (answer.code, answer.err) == (
        UNSOUND,
        "handmade/presurgical/manifest.json: should be a readable file, got: No such file or directory.\n",
    )


def test_serving_becomes_the_server_of_bentoml_with_these_bundles(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("screen", "presurgical"):
        handmade.bundle(here, model)
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, arguments: became.append([program, *arguments]))
    monkeypatch.setenv("FULCRUM_BUNDLES", "elsewhere")
    monkeypatch.setenv("PYTHONPATH", "mine")
    assert asked("serve", "--bundles", "handmade", "--port", "3111").code == DONE
    service = ["serve", "serving.service:Screening", "--host", "127.0.0.1", "--port", "3111"]
    assert became == [[sys.executable, sys.executable, "-m", "bentoml", *service]]
    assert os.environ["FULCRUM_BUNDLES"] == str(here / "handmade")
    assert os.environ["PYTHONPATH"] == f"{ROOT}{os.pathsep}mine"
