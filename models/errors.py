"""The errors a caller can do something about, each named by what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class FulcrumError(Exception):
    """Whatever Fulcrum refuses; its text is meant for the person who asked."""


@dataclass(frozen=True)
class Refusal:
    """Why one value was refused.

    `path` names the thing (`rows.3.age`), `rule` what is required of it, `got` what was there instead.
    """

    path: str
    rule: str
    got: str

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}, got {self.got}."


class BadInput(FulcrumError):
    """Correct the rows: each refusal names the value by its path, the rule and what was got."""

    SHOWN = 5

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        if not refusals:
            raise ValueError("BadInput needs at least one refusal.")
        self.refusals = tuple(refusals)
        more = len(self.refusals) - self.SHOWN
        lines = [str(refusal) for refusal in self.refusals[: self.SHOWN]]
        super().__init__("\n".join(lines + ([f"... and {more} more."] if more > 0 else [])))


class BadBundle(FulcrumError):
    """Fetch or build a sound copy: the bundle's files disagree with each other or with their format."""


class BadStudy(FulcrumError):
    """Correct the study: it asks for something that cannot be, or names something that is not there."""


class NoData(FulcrumError):
    """Make the data reachable: it is not where it was looked for and could not be fetched."""


class NotExported(FulcrumError):
    """Do not use the file: the exported graph does not answer like the trained network."""


class Unreachable(FulcrumError):
    """Ask for less or bring more cases: no threshold keeps the promise on this data.

    `nearest` is the best that could be certified, `missing_positives` and `missing_negatives` how many more
    cases of each kind would do if they looked like those already there; None where no number would.
    """

    def __init__(
        self,
        promise: str,
        *,
        reason: str,
        nearest: float,
        missing_positives: int | None,
        missing_negatives: int | None,
    ) -> None:
        self.promise = promise
        self.reason = reason
        self.nearest = nearest
        self.missing_positives = missing_positives
        self.missing_negatives = missing_negatives
        super().__init__(f"{promise}: cannot be certified. {reason} {self.cure()}")

    def cure(self) -> str:
        """What would make the promise possible, in one sentence."""
        if self.missing_positives is None or self.missing_negatives is None:
            return "More cases of the same kind would not help: ask for less, or train a better model."
        wanted = [
            f"{count} more {kind}"
            for count, kind in (
                (self.missing_positives, "positives"),
                (self.missing_negatives, "negatives"),
            )
            if count
        ]
        return f"Would do: {' and '.join(wanted)}."


def shown(value: Any) -> str:
    """A value as it stands in an error: short, and never a whole document.

    >>> shown("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
    """
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
