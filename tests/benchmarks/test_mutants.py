from __future__ import annotations

from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from benchmarks.mutants import __main__ as command
from benchmarks.mutants import judging
from benchmarks.mutants.fault import Mutant, Verdict
from benchmarks.mutants.faults import MUTANTS, TESTS
from benchmarks.mutants.judging import ROOT, judge, verdicts


@pytest.mark.parametrize("file", sorted(TESTS))
def test_every_fault_is_still_to_be_found_and_has_tests(file: str) -> None:
    text, faults = (ROOT / file).read_text(), [mutant for mutant in MUTANTS if mutant.file == file]
    assert faults
    assert [mutant for mutant in faults if text.count(mutant.old) != 1] == []
    assert [mutant for mutant in faults if mutant.new == mutant.old] == []
    for test in TESTS[file]:
        assert (ROOT / "tests" / test).exists(), test


def test_every_fault_is_of_a_file_with_tests_and_none_is_there_twice() -> None:
    assert {mutant.file for mutant in MUTANTS} == set(TESTS)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A little tree with one function and one test."""
    root = tmp_path / "root"
    (root / "models").mkdir(parents=True)
    (root / "tests" / "models").mkdir(parents=True)
    (root / "models" / "less.py").write_text(
        "def less(a, b):\n    return a < b\n\n\ndef unused():\n    return 1\n\n\ndef ends():\n    return True\n"
    )
    (root / "tests" / "models" / "test_less.py").write_text(
        "from models.less import ends, less\n\n\ndef test_less():\n    assert not less(1, 1)\n\n\n"
        "def test_end():\n    while not ends():\n        pass\n"
    )
    monkeypatch.setitem(TESTS, "models/less.py", ["models/test_less.py"])
    monkeypatch.setattr(judging, "ROOT", root)
    return root


FAULTS = [
    Mutant("models/less.py", old, new, "")
    for old, new in (("a < b", "a <= b"), ("return 1", "return 2"), ("a > b", "a >= b"), ("< b", "< b)"))
]


def test_a_fault_is_caught_survives_or_is_not_found_and_leaves_no_trace(tree: Path) -> None:
    before = (tree / "models" / "less.py").read_text()
    found = [judge(mutant, tree) for mutant in FAULTS]
    assert [(verdict.fate, verdict.by) for verdict in found] == [
        ("caught", "test_less"),
        ("survived", ""),
        ("not found", "0 times in the file"),
        ("caught", "ERROR tests/models/test_less.py"),  # what can not be read is noticed as it is imported
    ]
    assert (tree / "models" / "less.py").read_text() == before


def test_a_fault_without_an_end_is_caught(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "SECONDS", 5)
    endless = Mutant("models/less.py", "return True", "return False", "")
    assert judge(endless, tree) == Verdict(endless, "caught", "no end")


def test_faults_are_judged_in_copies_and_in_their_order(tree: Path) -> None:
    found = list(verdicts(FAULTS[:3], workers=2))
    assert [verdict.fate for verdict in found] == ["caught", "survived", "not found"]
    assert "a < b" in (tree / "models" / "less.py").read_text()


def test_tests_that_fail_without_any_fault_end_it(tree: Path) -> None:
    (tree / "tests" / "models" / "test_less.py").write_text("def test_nothing():\n    assert False\n")
    with pytest.raises(SystemExit) as error:
        list(verdicts(FAULTS[:1], workers=1))
    assert str(error.value) == "The tests fail without any fault: test_nothing."


@pytest.mark.parametrize(
    ("fates", "code"), [(["caught", "caught"], 0), (["caught", "survived"], 1), (["not found"], 1)]
)
def test_the_exit_code_tells_whether_all_were_caught(
    fates: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Verdict(mutant, fate, "test") for mutant, fate in zip(FAULTS, fates, strict=False)]
    monkeypatch.setattr(command, "verdicts", lambda chosen, workers: iter(found))
    app = Typer()
    app.command()(command.main)
    done = CliRunner().invoke(app, [])
    assert done.exit_code == code
    assert f"{fates.count('caught')} of {len(fates)} faults caught." in done.output
