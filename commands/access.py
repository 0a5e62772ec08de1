"""`fulcrum access`: let somebody turn the operating point of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.answering import answered, screen


def access(
    file: Annotated[Path, typer.Argument(help="the access file; made if it is not there")],
    name: Annotated[str, typer.Argument(help="of the person, as it will stand in the history")],
    role: Annotated[list[str], typer.Option(help="predict, tune or audit; repeatable")],
) -> None:
    """Let somebody in: adds a person to an access file and prints their token, which is kept nowhere else."""
    from serving.access import add_person

    with answered():
        screen.print(add_person(file, name, role), soft_wrap=True)
