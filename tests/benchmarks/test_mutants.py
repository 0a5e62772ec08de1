from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import mutants
from benchmarks.mutants import MUTANTS, ROOT, TESTS, Mutant, judge


def test_every_fault_is_still_to_be_found_and_has_tests() -> None:
    for mutant in MUTANTS:
        assert (ROOT / "models" / mutant.file).read_text().count(mutant.old) == 1, mutant
        assert mutant.new != mutant.old
    for test in {test for tests in TESTS.values() for test in tests}:
        assert (ROOT / "tests" / "models" / test).exists()
    assert {mutant.file for mutant in MUTANTS} == set(TESTS)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A little tree with one function and one test."""
    (tmp_path / "models").mkdir()
    (tmp_path / "tests" / "models").mkdir(parents=True)
    (tmp_path / "models" / "less.py").write_text("def less(a, b):\n    return a < b\n\n\ndef unused():\n    return 1\n")
    (tmp_path / "tests" / "models" / "test_less.py").write_text(
        "from models.less import less\n\n\ndef test_less():\n    assert not less(1, 1)\n"
    )
    monkeypatch.setitem(mutants.TESTS, "less.py", ["test_less.py"])
    return tmp_path


def test_a_fault_is_caught_survives_or_is_not_found_and_leaves_no_trace(tree: Path) -> None:
    before = (tree / "models" / "less.py").read_text()
    faults = [("a < b", "a <= b"), ("return 1", "return 2"), ("a > b", "a >= b")]
    found = [judge(Mutant("less.py", old, new, ""), tree) for old, new in faults]
    assert [(verdict.fate, verdict.by) for verdict in found] == [
        ("caught", "test_less"),
        ("survived", ""),
        ("not found", "0 times in the file"),
    ]
    assert (tree / "models" / "less.py").read_text() == before
