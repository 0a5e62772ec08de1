"""`fulcrum taps`: where a loss may sit."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.answering import answered, need_training, screen


def taps(
    study: Annotated[str, typer.Argument(help="a shipped study (covid, breast ...) or the path of a study file")],
) -> None:
    """List the taps of each model of a study, and which terms sit on them.

    A term may be put on any of them: `Term(on=<tap>, against=..., by=...)`.
    """
    need_training()
    from rich.table import Table

    from training.study import find_study

    with answered():
        asked = find_study(study)
    for model in asked.models:
        grid = Table("tap", "what it is", "terms on it", title=f"{asked.name}/{model.name}", title_justify="left")
        for tap, meaning in asked.taps(model).items():
            on_it = [f"{term} x {term.weight:g}" for term in model.terms if term.on == tap]
            grid.add_row(tap, meaning, "\n".join(on_it))
        screen.print(grid)
