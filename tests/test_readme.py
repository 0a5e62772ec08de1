from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
# Pages whose commands and blocks of Python are run as they stand.
PAGES = ("README.md", "docs/batch.md")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (HOME / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").symlink_to(HOME / "models")
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": tools, "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_runs(page: str, folder: Path) -> None:
    commands = [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(commands) >= 4
    for command in commands:
        # The installed script and the module are one: without an install, the module speaks for it.
        as_module = re.sub(r"^fulcrum ", f"{sys.executable} -m fulcrum ", command)
        run(["bash", "-c", as_module], folder)
    assert (folder / "scores.csv").read_text(encoding="utf-8").startswith("id,cough,fever")


@pytest.mark.parametrize("block", [block for page in PAGES for block in blocks(page, "python")])
def test_every_python_block_of_a_page_runs(block: str, folder: Path) -> None:
    run([sys.executable, "-c", block], folder)


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    for page in (HOME / "README.md", HOME / "CONTRIBUTING.md", *(HOME / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_command_helps() -> None:
    for command in ("init", "train", "verify", "score", "serve"):
        assert "Usage" in run([sys.executable, "-m", "fulcrum", command, "--help"], HOME)
