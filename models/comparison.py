"""How a study's models, one unweighted model and other losses rank the same people: figures, intervals, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from models.errors import BadStudy
from models.value import Value

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256")]
Share = Annotated[float, Field(ge=0, le=1)]
Verdict = Literal["better", "worse", "no difference"]

PAIR, PLAIN = "as it is", "plain"
COMPARISON = "comparison.json"
# Chance of finding any difference where there is none, over all that is compared by one figure.
RISK = 0.05


class Figure(Value):
    """What candidates are judged by, at the promise of a contract: read off the judged people's own curve.

    >>> print(Figure(kind="false-positive rate", at_least=0.9, model="screen"))
    false-positive rate at recall >= 0.9
    """

    kind: Literal["false-positive rate", "recall"]
    at_least: float = Field(gt=0, lt=1, description="the recall, or the precision, at which it is read")
    prevalence: float | None = Field(None, gt=0, lt=1, description="at which the precision is meant")
    model: str = Field(description="of the study, whose contract names it")

    @model_validator(mode="after")
    def _where(self) -> Self:
        if (self.kind == "recall") != (self.prevalence is not None):
            raise ValueError(f"prevalence should be named for a recall at a precision alone, got {self.prevalence}")
        return self

    def __str__(self) -> str:
        at = "recall" if self.prevalence is None else "precision"
        where = "" if self.prevalence is None else f" at prevalence {self.prevalence:g}"
        return f"{self.kind} at {at} >= {self.at_least:g}{where}"

    @property
    def lower_is_better(self) -> bool:
        """Whether less of it is wanted."""
        return self.kind == "false-positive rate"

    def verdict(self, low: float, high: float) -> Verdict:
        """What a difference means of which the interval is known.

        >>> recall = Figure(kind="recall", at_least=0.9, prevalence=0.1, model="presurgical")
        >>> recall.verdict(0.01, 0.05), recall.verdict(-0.05, 0.0), recall.verdict(-0.05, -0.01)
        ('better', 'no difference', 'worse')
        """
        if low <= 0 <= high:
            return "no difference"
        return "better" if (high < 0) == self.lower_is_better else "worse"


class Difference(Value):
    """A candidate's figure less that of the plain model, with its interval, and what it means in a word."""

    value: float
    low: float
    high: float
    verdict: Verdict = Field(description="'no difference' if 0 lies within the interval")
    chance: Share = Field(description="of so large a difference where there is none (two-sided, bootstrap)")
    holds: bool = Field(description="whether there is one even if everything compared by this figure is counted (Holm)")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.verdict == "no difference") != (self.low <= 0 <= self.high):
            raise ValueError(f"verdict should be of the interval {self.low:g} to {self.high:g}, got {self.verdict}")
        if self.holds and self.verdict == "no difference":
            raise ValueError("holds should be false where there is no difference")
        return self

    def __str__(self) -> str:
        """In words, e.g. `+0.0120 [-0.0050, +0.0290], no difference`."""
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}], {self.verdict}"


class Found(Value):
    """One figure of one candidate: the mean over the seeds, its 95 % interval, each seed, and against the plain."""

    value: Share
    low: Share
    high: Share
    seeds: tuple[Share, ...]
    difference: Difference | None = Field(description="None for the plain model itself")


class Compared(Value):
    """One candidate: what it is, and what was found of it, a figure of the comparison each."""

    name: str
    what: str = Field(description="in words")
    found: tuple[Found, ...]


class Comparison(Value):
    """Same people, same budget, same seeds: what weighting and other losses change in the operating region."""

    format: Literal[1] = 1
    study: str
    definition: Digest = Field(description="SHA-256 of the study as it was compared, its background left out")
    data: dict[str, Digest] = Field(description="SHA-256 of each file or table that was read")
    seeds: int = Field(ge=2)
    rows: int = Field(ge=1, description="that were judged, a seed")
    positives: int = Field(ge=1, description="among them, a seed")
    people: int = Field(ge=1, description="who were judged in any seed, and by whom it was resampled")
    dealt: str = Field(description="how the rows were taken apart, in words")
    resamples: int = Field(ge=1000)
    figures: tuple[Figure, ...] = Field(min_length=1)
    candidates: tuple[Compared, ...] = Field(min_length=2)
    refused: dict[str, str] = Field({}, description="candidates that could not be trained, and why")
    versions: dict[str, str] = Field({}, description="of the packages that it was made with")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [candidate.name for candidate in self.candidates]
        if PLAIN not in names or len(set(names)) < len(names):
            raise ValueError(f"candidates should have a name each, {PLAIN} among them, got {', '.join(names)}")
        for candidate in self.candidates:
            if len(candidate.found) != len(self.figures):
                raise ValueError(
                    f"candidates.{candidate.name}: should have {len(self.figures)} figures, got {len(candidate.found)}"
                )
            if any((found.difference is None) != (candidate.name == PLAIN) for found in candidate.found):
                raise ValueError(f"candidates.{candidate.name}: should be compared with {PLAIN} unless it is that")
        return self

    def of(self, name: str) -> Compared | None:
        """A candidate by its name."""
        return next((candidate for candidate in self.candidates if candidate.name == name), None)

    def differences(self, place: int) -> dict[str, Difference]:
        """By one of the figures, the candidates' differences from the plain model."""
        found = {candidate.name: candidate.found[place].difference for candidate in self.candidates}
        return {name: difference for name, difference in found.items() if difference is not None}

    @property
    def basis(self) -> str:
        """What the verdicts rest on, in words."""
        return f"{self.seeds} seeds, {self.rows:,} people judged in each, {self.positives:,} of them sick"

    @property
    def words(self) -> tuple[str, ...]:
        """The verdicts in words: first on the study's own models, by each figure, then on the losses."""
        said = []
        pair = self.of(PAIR)
        for place, figure in enumerate(self.figures):
            plain = next(found.found[place].value for found in self.candidates if found.name == PLAIN)
            own = pair.found[place].difference if pair else None
            if own is not None:
                said.append(f"{figure}, {figure.model} as it is against one plain model ({plain:.4f}): {own}.")
            said.append(self._losses(place))
        return tuple(said)

    def _losses(self, place: int) -> str:
        losses = {name: found for name, found in self.differences(place).items() if name != PAIR}
        named = {verdict: [name for name in losses if losses[name].verdict == verdict] for verdict in VERDICTS}
        told = [f"{_listed(named[verdict], losses)} {verdict}" for verdict in ("better", "worse") if named[verdict]]
        told.append(f"{len(named['no difference'])} of {len(losses)} make no difference")
        return f"{self.figures[place]}, other losses: {'; '.join(told)}."


VERDICTS: tuple[Verdict, ...] = ("better", "worse", "no difference")


def _listed(names: Sequence[str], found: dict[str, Difference]) -> str:
    return ", ".join(name if found[name].holds else f"{name} (not if all are counted)" for name in names)


def holm(chances: Sequence[float], risk: float = RISK) -> tuple[bool, ...]:
    """Which of several differences hold, so that one is found where there is none with chance `risk` at most.

    Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 1979.

    >>> holm([0.04, 0.001, 0.02])
    (True, True, True)
    >>> holm([0.04, 0.001, 0.03])
    (False, True, False)
    """
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    holds = [False] * len(chances)
    for rank, place in enumerate(order):
        if chances[place] > risk / (len(chances) - rank):
            break
        holds[place] = True
    return tuple(holds)


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write a comparison where `fulcrum train` finds it."""
    file = folder / COMPARISON
    file.write_text(f"{comparison.model_dump_json(indent=1)}\n", encoding="utf-8")
    return file


def read_comparison(folder: Path) -> Comparison | None:
    """The comparison of a folder; None if there is none.

    Raises BadStudy naming the file if it can not be read.
    """
    file = folder / COMPARISON
    if not file.exists():
        return None
    try:
        return Comparison.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise BadStudy(f"{file}: {path or 'document'}: {first['msg'].removeprefix('Value error, ')}.") from None
