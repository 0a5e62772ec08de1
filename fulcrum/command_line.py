"""The command line: each command is a file of `commands/`, found by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import typer
from typer.core import TyperGroup

import commands
from commands.answering import EXIT_CODES


def found() -> Iterator[tuple[str, Callable[..., None] | typer.Typer]]:
    """The commands: of every module of `commands/`, the function or group that bears its name, if it has one."""
    for module in iter_modules(commands.__path__):
        command = getattr(import_module(f"{commands.__name__}.{module.name}"), module.name, None)
        if command is not None:
            yield module.name, command


class Alphabetical(TyperGroup):
    """Commands in the order of their names, whether they are one or a group."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, as help shows them."""
        return sorted(super().list_commands(ctx))


app = typer.Typer(
    name="fulcrum",
    cls=Alphabetical,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=f"Screening models with a tunable, certified operating point.\n\n{EXIT_CODES}",
)
for name, each in found():
    if isinstance(each, typer.Typer):
        app.add_typer(each, name=name)
    else:
        app.command()(each)
