"""Asking the command line as a person and a script do."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from fulcrum.command_line import app

ROOT = Path(__file__).parents[1]
DONE, USAGE, REFUSED, UNREACHABLE, UNSOUND, SOME_REFUSED = 0, 2, 3, 4, 5, 6


@dataclass(frozen=True)
class Answer:
    """What a command said and exited with."""

    code: int
    out: str
    err: str

    @property
    def usage(self) -> str:
        """What was wrong with the usage, lines that were broken to fit a terminal joined."""
        return " ".join(self.err.partition("Error: ")[2].split())


def asked(*arguments: object) -> Answer:
    """Run a command here, in the working folder."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def process(*arguments: object, folder: Path) -> Answer:
    """Run a command as its own process, as `fulcrum` does."""
    command = [sys.executable, "-P", "-m", "fulcrum", *map(str, arguments)]
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=here, capture_output=True, text=True, check=False, timeout=300)
    return Answer(done.returncode, done.stdout, done.stderr)


def cells(table: str) -> list[list[str]]:
    """The lines of a table as a terminal shows it, blanks around each cell taken away."""
    rows = [line for line in table.splitlines() if line[:1] in {"│", "┃"}]
    return [[cell.strip() for cell in row.replace("┃", "│").strip("│").split("│")] for row in rows]
