from __future__ import annotations

import re
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
PAGE = (HOME / "docs" / "pitfalls.md").read_text(encoding="utf-8")


def sources(*folders: str) -> str:
    files = [file for folder in folders for file in sorted((HOME / folder).rglob("*.py"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_test_that_the_page_of_pitfalls_names_is_there() -> None:
    there = set(re.findall(r"def (test_\w+)\(", sources("tests")))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= there


def test_every_pitfall_has_what_keeps_it() -> None:
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) >= 16
    assert all(row[4].strip() for row in rows)


def test_nothing_uses_the_deprecated_onnx_helper() -> None:
    assert "bentoml.onnx" not in sources("models", "training", "serving")
