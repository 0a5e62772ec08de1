"""`fulcrum access`: let somebody ask a service, or turn its operating point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.answering import answered, screen


def access(
    file: Annotated[Path, typer.Argument(help="the access file; made if it is not there")],
    name: Annotated[str, typer.Argument(help="of the person, as it will stand in the history")],
    role: Annotated[list[str], typer.Option(help="predict, tune or audit; repeatable")],
    rate: Annotated[float | None, typer.Option(help="the most requests a second to a model, of each worker")] = None,
) -> None:
    """Let somebody in: adds a person to an access file and prints their token, which is kept nowhere else."""
    from serving.access import add_person

    with answered():
        screen.print(add_person(file, name, role, rate), soft_wrap=True)
