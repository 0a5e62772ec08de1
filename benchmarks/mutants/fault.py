from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault: in `file`, which is named from the root, `old` becomes `new`."""

    file: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """What became of a fault: `caught` by a test, `survived`, or its text `not found`."""

    mutant: Mutant
    fate: str
    by: str
