"""`fulcrum plan`: how many cases a contract needs."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from commands.answering import UNREACHABLE, answered, complaints, screen


def plan(
    contract: Annotated[str, typer.Argument(help='in words, such as "recall >= 0.95"')],
    recall: Annotated[float | None, typer.Option(help="expected of the model there; by default perfect")] = None,
    specificity: Annotated[float | None, typer.Option(help="expected of the model there; by default perfect")] = None,
    share: Annotated[
        float | None, typer.Option(help="of positives among the cases; by default the contract's prevalence")
    ] = None,
    assurance: Annotated[float, typer.Option(help="chance that such cases then carry the promise")] = 0.8,
) -> None:
    """How many cases a contract needs, before there are any: positives, negatives and the mistakes allowed."""
    from pydantic import ValidationError

    import models.manifest  # noqa: F401  # every contract is known by it
    from models.contract import Contract
    from models.errors import BadInput
    from models.plan import Expected, problems

    with answered():
        try:
            expected = Expected(recall=recall, specificity=specificity, share=share, assurance=assurance)
        except ValidationError as error:
            raise BadInput(problems(error)) from None
        asked = Contract.read(contract)
        needs = asked.plan(expected)
        several = len({need.promise for need in needs}) > 1
        head = ("positives", "negatives", "misses", "alarms", "note")
        grid = Table(*(("promise",) if several else ()), *head, title=str(asked), title_justify="left")
        for need in needs:
            cells = (need.positives or None, need.negatives or None, need.allowed_misses, need.allowed_alarms)
            numbers = ("-" if cell is None else f"{cell:,}" for cell in cells)
            grid.add_row(*((need.promise,) if several else ()), *numbers, need.note)
        if not needs:
            complaints.print(f"{asked}: no number of cases would do for a model that is only so good.", soft_wrap=True)
            raise typer.Exit(UNREACHABLE)
        screen.print(grid)
