from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
FOLDER = HOME / "docs" / "examples"
PAGES = sorted(page.name for page in FOLDER.glob("*.md") if page.name != "README.md")


def block(page: str) -> str:
    found = re.findall(r"```python\n(.*?)```", (FOLDER / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(found) == 1, f"{page}: should hold one block of Python, got {len(found)}"
    return str(found[0])


@pytest.mark.parametrize("page", PAGES)
def test_an_example_runs_and_what_it_claims_is_so(page: str, tmp_path: Path) -> None:
    code = block(page)
    assert "\nassert " in code or "    assert " in code
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_index_names_every_example_once() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\(([^)]+)\)", index)) == PAGES


def test_every_link_of_an_example_leads_somewhere() -> None:
    for page in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (FOLDER / target).exists(), f"{page.name}: {target}"


def test_every_example_is_laid_out_like_the_code(tmp_path: Path) -> None:
    for page in PAGES:
        (tmp_path / f"{page}.py").write_text(block(page), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--diff", "--config", str(HOME / "pyproject.toml"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
