"""How every command answers: lines for a person, on two consoles, and an exit code for a script."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import typer
from rich.console import Console

HOME = Path(__file__).resolve().parents[1]
SHIPPED = HOME / "models" / "covid"
EXIT_CODES = """
Exit codes: 0 done; 2 wrong usage; 3 input, study or data refused; 4 a contract could not be certified;
5 a bundle or an export is not sound; 6 scored, but some rows were refused (they are in the side file).
"""
WRONG = 1  # what is verified is not as it was written; `fulcrum audit` says so itself
REFUSED, UNREACHABLE, UNSOUND, SOME_REFUSED = 3, 4, 5, 6

# Where no terminal says how wide it is, a table is as wide as it needs to be: a script must not find a digest cut.
WIDEST = None if sys.stdout.isatty() else 1000
# Without markup or names of pictures: a path may hold `[brackets]` or `:cat:`.
screen = Console(highlight=False, markup=False, emoji=False, width=WIDEST)
complaints = Console(stderr=True, highlight=False, markup=False, emoji=False)


@contextmanager
def answered() -> Iterator[None]:
    """Turn what Fulcrum refuses into a line for a person and an exit code for a script."""
    from models.errors import BadBundle, FulcrumError, NotExported, Unreachable

    try:
        yield
    except (FulcrumError, OSError) as error:
        complaints.print(str(error), soft_wrap=True)
        kinds = {Unreachable: UNREACHABLE, BadBundle: UNSOUND, NotExported: UNSOUND}
        raise typer.Exit(kinds.get(type(error), REFUSED)) from None


def need_training() -> None:
    """Say how to install what training needs, which a server does without."""
    if find_spec("torch") is None:
        complaints.print(
            "Training needs more than serving does: pip install 'fulcrum-screening[train]'", soft_wrap=True
        )
        raise typer.Exit(REFUSED)
