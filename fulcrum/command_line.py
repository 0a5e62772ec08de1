"""The command line: each command is a file of `commands/`, found by itself, and loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import commands
from commands.answering import EXIT_CODES

FILES = frozenset(module.name for module in iter_modules(commands.__path__))


class Found(TyperGroup):
    """The commands of the files: of each the function or group that bears its name, if it has one.

    To make all of them takes longer than many a command runs.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in order, as help shows them."""
        for file in FILES:
            self._load(file)
        return sorted(super().list_commands(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; of a name that is none all are loaded, for one near it is told."""
        if cmd_name in FILES:
            self._load(cmd_name)
        if cmd_name not in self.commands:
            self.list_commands(ctx)
        return super().get_command(ctx, cmd_name)

    def _load(self, file: str) -> None:
        if file in self.commands:
            return
        command = getattr(import_module(f"{commands.__name__}.{file}"), file, None)
        if command is None:
            return
        if not isinstance(command, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(file)(command)
            command = alone
        self.commands[file] = get_command(command)


app = typer.Typer(
    name="fulcrum",
    cls=Found,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=f"Screening models with a tunable, certified operating point.\n\n{EXIT_CODES}",
)


@app.callback()
def _whole() -> None:
    """That there are commands, of which none is known yet."""
