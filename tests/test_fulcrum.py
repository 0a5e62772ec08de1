"""The command line as a whole: its commands, help and exit codes; each command has its own tests in `commands/`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fulcrum
from commands import answering
from models.errors import BadBundle, BadInput, BadStudy, FulcrumError, NoData, NotExported, Refusal, Unreachable
from tests.asking import DONE, REFUSED, ROOT, UNREACHABLE, UNSOUND, USAGE, asked, process

COMMANDS = sorted(file.stem for file in (ROOT / "commands").glob("*.py") if file.stem not in {"__init__", "answering"})
WORDS = {
    "audit": ("verify", "anchor", "replay", "Exit code 1"),
    "access": ("--role", "[required]", "predict, tune or audit"),
    "compare": ("--seeds", "--jobs", "--search", "the test part is never used", "[required]"),
    "init": ("--target", "--positive", "--group", "--drop", "--force", "[required]"),
    "plan": ("--recall", "--specificity", "--share", "--assurance"),
    "report": ("--out", "report.html", "report.json", "The same bundle gives the same bytes."),
    "score": ("--bundle", "--strict", "--operating-point", "--prevalence"),
    "serve": ("--bundles", "--host", "--port", "--access", "--store", "POST /screen", "exit code 5"),
    "sign": ("--key", "--password", "model.sig", "[required]"),
    "taps": ("[required]", "Term(on=<tap>"),
    "train": ("--out", "--only", "exit code 4"),
    "tune": (
        "--target",
        "--positive",
        "--contract",
        "--prevalence",
        "--site",
        "--reason",
        "--out",
        "--group",
        "--json",
    ),
    "verify": ("models/covid/screen", "Every digest"),
}


def loaded(arguments: str, which: str) -> str:
    """Which modules a new process has loaded when a command has ended well."""
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom fulcrum.command_line import app\n"
        f"assert CliRunner().invoke(app, {arguments.split()!r}).exit_code == 0\nprint(*sorted({which}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.rstrip("\n")


def test_help_names_every_command_and_every_exit_code() -> None:
    answer = process("--help", folder=ROOT)
    assert (answer.code, answer.err) == (DONE, "")
    assert re.findall(r"^  (\w+)  +\S", answer.out.partition("Commands:\n")[2], flags=re.MULTILINE) == COMMANDS
    codes = "Exit codes: 0 done; 2 wrong usage; 3 input, study or data refused; 4 a contract could not be certified;"
    assert codes in " ".join(answer.out.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_says_what_it_takes(command: str) -> None:
    answer = asked(command, "--help")
    assert (answer.code, answer.err) == (DONE, "")
    # As a terminal of any width breaks it.
    said = " ".join(answer.out.split())
    for word in WORDS[command]:
        assert word in said, word


def test_help_is_asked_for_without_loading_what_training_or_serving_needs() -> None:
    heavy = {"torch", "bentoml", "onnxruntime", "polars", "numpy", "pydantic", "models", "serving", "training"}
    assert loaded("--help", f"{heavy!r} & set(sys.modules)") == ""


def test_a_command_is_loaded_without_the_others() -> None:
    ours = "{name for name in sys.modules if name.startswith('commands.')}"
    assert loaded("plan --help", ours) == "commands.answering commands.plan"


@pytest.mark.parametrize("word", ["answering", "__init__", "typer"])
def test_what_is_no_command_is_not_taken_for_one(word: str) -> None:
    answer = asked(word)
    assert (answer.code, answer.out) == (USAGE, "")
    assert answer.usage.startswith(f"No such command '{word}'.")


def test_a_command_that_is_nearly_right_is_told_the_one_that_is() -> None:
    assert asked("scor").usage == "No such command 'scor'. Did you mean 'score'?"


def test_a_path_is_said_as_it_is_whatever_stands_in_it() -> None:
    name = "a [bold]:cat:[/bold] 1,000"
    assert asked("verify", name).err.startswith(f"{name}/manifest.json: should be a readable file")


def test_without_a_command_help_is_shown_as_wrong_usage() -> None:
    answer = asked()
    assert answer.code == USAGE
    assert "Usage: " in answer.out + answer.err


@pytest.mark.parametrize("arguments", [("guess",), ("train",), ("init", "a.csv"), ("verify", "--loud", "a")])
def test_wrong_usage_has_an_exit_code_of_its_own(arguments: tuple[str, ...]) -> None:
    assert asked(*arguments).code == USAGE


def test_the_installed_script_runs_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["fulcrum", "guess"])
    with pytest.raises(SystemExit) as ended:
        fulcrum.main()
    assert ended.value.code == USAGE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput([Refusal("rows.0.age", "should be known", "nothing")]), REFUSED),
        (BadStudy("a study"), REFUSED),
        (NoData("no data"), REFUSED),
        (PermissionError(13, "Permission denied", "out"), REFUSED),
        (
            Unreachable("recall", reason="too few", nearest=0.9, missing_positives=3, missing_negatives=0),
            UNREACHABLE,
        ),
        (BadBundle("not whole"), UNSOUND),
        (NotExported("not the same"), UNSOUND),
    ],
)
def test_every_refusal_is_a_line_and_an_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(answering.typer.Exit) as ended, answering.answered():
        raise error
    assert ended.value.exit_code == code
    assert capsys.readouterr() == ("", f"{error}\n")


def test_a_fault_of_the_program_is_not_answered_as_a_refusal() -> None:
    assert not issubclass(ZeroDivisionError, FulcrumError)
    with pytest.raises(ZeroDivisionError), answering.answered():
        raise ZeroDivisionError


def test_without_torch_it_is_said_how_training_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "find_spec", lambda name: None)
    for arguments in (("train", "breast"), ("init", "a.csv", "--target", "x", "--positive", "y")):
        answer = asked(*arguments)
        assert (answer.code, answer.out) == (REFUSED, "")
        assert answer.err == "Training needs more than serving does: pip install 'fulcrum-screening[train]'\n"


def test_the_shipped_bundles_are_where_the_commands_look_for_them() -> None:
    assert Path(answering.SHIPPED) == ROOT / "models" / "covid"
