"""What is lost, and how long does it hurt, when something breaks? `python -m benchmarks.faults` writes docs/robustness.md.

Each fault befalls a real service of two workers that is asked some hundred times a second, and turned several times a second
by somebody who keeps what was acknowledged. Nothing acknowledged may be lost, no answer be wrong, and it must heal by
itself. Exit with 1 if anything is amiss. One that this machine can not have (no root for a small disk, no PostgreSQL, no
libfaketime) is said to be left out.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import section
from benchmarks.faults.breaking import FAULTS
from benchmarks.faults.disk import LeftOut
from benchmarks.faults.harm import Harm, suffer
from benchmarks.faults.overload import overload
from benchmarks.faults.place import PAGE

screen = Console()


def main(
    *,
    seconds: Annotated[float, typer.Option(help="of each fault, its healing included")] = 20,
    rate: Annotated[float, typer.Option(help="requests a second")] = 400,
    only: Annotated[str, typer.Option(help="faults whose name holds this")] = "",
) -> None:
    """Break one thing after the other, and write the page."""
    harms, notes = [], []
    for fault in FAULTS:
        if only not in fault.name:
            continue
        screen.print(fault.name)
        try:
            harms.append(asyncio.run(suffer(fault, seconds=seconds, rate=rate)))
        except LeftOut as why:
            notes.append(f"{fault.name}: left out, {why}")
            continue
        screen.print(f"  {harms[-1]}", markup=False)
    amiss = [f"{harm.name}: {problem}" for harm in harms for problem in harm.amiss]
    head = [
        "fault",
        "requests",
        "no answer",
        "503",
        "hurt for",
        "longest answer",
        "changes acknowledged",
        "of them lost",
    ]
    text = [section.table(head, [_line(harm) for harm in harms]), *notes]
    if only in "overload":
        shed = overload(seconds / 2)
        text.append(shed.told)
        amiss += shed.amiss
    section.write(PAGE, "faults", "\n\n".join([*text, f"{len(amiss)} amiss."]))
    for each in amiss:
        screen.print(each, style="red", markup=False)
    raise SystemExit(1 if amiss else 0)


def _line(harm: Harm) -> list[str]:
    hurt = f"{harm.hurt:.1f} s" if harm.unanswered or harm.refused else "-"
    figures = (harm.requests, harm.unanswered, harm.refused)
    return [
        harm.name,
        *(f"{each:,}" for each in figures),
        hurt,
        f"{harm.longest:.2f} s",
        f"{harm.acknowledged:,}",
        str(harm.lost),
    ]


if __name__ == "__main__":
    typer.run(main)
