"""What is promised of an operating point, and what cases carry of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from models.costs import Costs
from models.curve import Counts
from models.flagged_share import least_share
from models.intervals import lower_bound, upper_bound
from models.value import Value

Figure = Literal["recall", "specificity", "precision", "npv", "flagged", "cost"]

NAMES: dict[Figure, str] = {
    "recall": "recall",
    "specificity": "specificity",
    "precision": "precision",
    "npv": "NPV",
    "flagged": "flagged",
    "cost": "cost per person",
}
# With an indeterminate zone, these speak of those who are cleared; the others of those who are flagged.
OF_THE_CLEARED: frozenset[Figure] = frozenset({"recall", "npv"})
# What these are depends on how many of the people are sick. So does what is flagged, but of that a promise may also
# be about people like the certification cases.
OF_ONE_PREVALENCE: frozenset[Figure] = frozenset({"precision", "npv", "cost"})


class Promise(Value):
    """A figure with its bound, the confidence, and at which prevalence, prices or in which group if that matters.

    recall, specificity: share of the sick flagged, of the healthy not flagged. precision, npv: share of the
    flagged that is sick, of those not flagged that is healthy, at `prevalence`. flagged: share of the people
    flagged, at `prevalence` or, without one, among people like the certification cases. cost: price of the
    mistakes a person, at `prevalence`.
    """

    figure: Figure
    at_least: float | None = Field(None, gt=0, lt=1)
    at_most: float | None = Field(None, gt=0)
    confidence: float = Field(gt=0.5, lt=1)
    prevalence: float | None = Field(None, gt=0, lt=1)
    costs: Costs | None = Field(None, description="prices of the mistakes, for a cost")
    group: str | None = Field(None, description="`column=value` of the people it is about; everybody without one")

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"needs one of at_least and at_most, got {self.at_least} and {self.at_most}")
        if self.figure in OF_ONE_PREVALENCE and self.prevalence is None:
            raise ValueError(f"prevalence should be named for {NAMES[self.figure]}, which depends on it")
        return self

    def __str__(self) -> str:
        """In words.

        >>> print(Promise(figure="precision", at_least=0.9, confidence=0.95, prevalence=0.01))
        precision >= 0.9 at prevalence 0.01 with confidence 0.95
        """
        return f"{self.worded(self.bound, digits=12)} with confidence {self.confidence:.12g}"

    def worded(self, bound: float, *, digits: int = 4) -> str:
        """The promise at another bound, without the confidence: what was certified, say."""
        sign = ">=" if self.at_most is None else "<="
        priced = (
            ""
            if self.costs is None
            else f" where a miss costs {self.costs.miss:g}, an alarm {self.costs.false_alarm:g}"
        )
        group = "" if self.group is None else f" in {self.group}"
        where = "" if self.prevalence is None else f" at prevalence {self.prevalence:g}"
        if self.of_the_cases:
            where = " among people like the certification cases"
        return f"{NAMES[self.figure]} {sign} {bound:.{digits}g}{group}{where}{priced}"

    @property
    def of_the_cases(self) -> bool:
        """Whether it is about people of whom as many are sick as of the certification cases, and about no others."""
        return self.figure == "flagged" and self.prevalence is None

    def holds_at(self, prevalence: float, *, cases: float) -> bool:
        """Whether it is about people of whom `prevalence` are sick, if `cases` is that of the certification cases."""
        return prevalence == cases if self.of_the_cases else self.prevalence in {None, prevalence}

    @property
    def bound(self) -> float:
        """The number that is promised, a least or a most."""
        bound = self.at_least if self.at_most is None else self.at_most
        assert bound is not None
        return bound

    def met_by(self, figure: float | None) -> bool:
        """Whether a figure, measured or certified, is as good as was promised."""
        if figure is None:
            return False
        return figure >= self.bound if self.at_most is None else figure <= self.bound

    def measured(self, counts: Counts) -> float | None:
        """The figure as these counts have it; None where they hold no case to measure it on."""
        match self.figure:
            case "recall":
                of, out_of = counts.hits, counts.positives
            case "specificity":
                of, out_of = counts.clears, counts.negatives
            case "flagged" if self.prevalence is None:
                of, out_of = counts.hits + counts.alarms, counts.positives + counts.negatives
            case _ if counts.positives and counts.negatives:
                return self._of(counts.hits / counts.positives, counts.alarms / counts.negatives)
            case _:
                return None
        return of / out_of if out_of else None

    def carried(self, counts: Counts) -> float:
        """The bound that these counts carry with the promised confidence, for a threshold fixed before they were seen.

        Clopper-Pearson. For precision and NPV, of the right answers among all that were given (`flagged_share`);
        for what people cost or how many are flagged, of two shares, which divide the risk between them.
        """
        match self.figure:
            case "recall":
                return lower_bound(counts.hits, counts.positives, self.confidence)
            case "specificity":
                return lower_bound(counts.clears, counts.negatives, self.confidence)
            case "flagged" if self.prevalence is None:
                flagged = counts.hits + counts.alarms
                return upper_bound(flagged, counts.positives + counts.negatives, self.confidence)
            case "precision":
                kinds = (counts.positives, counts.negatives)
                return self._least(counts.hits, counts.alarms, of=kinds, share=self.prevalence)
            case "npv":
                assert self.prevalence is not None
                kinds = (counts.negatives, counts.positives)
                return self._least(counts.clears, counts.misses, of=kinds, share=1 - self.prevalence)
        half = (1 + self.confidence) / 2
        # A worst case each: more alarms, and of the hits more for what is flagged, fewer for a cost.
        caught = (upper_bound if self.figure == "flagged" else lower_bound)(counts.hits, counts.positives, half)
        alarmed = upper_bound(counts.alarms, counts.negatives, half)
        return self._of(caught, alarmed) or 0.0

    def _least(self, right: int, wrong: int, *, of: tuple[int, int], share: float | None) -> float:
        assert share is not None
        return float(least_share(right, wrong, of=of, prevalence=share, risk=1 - self.confidence))

    def _of(self, caught: float, alarmed: float) -> float | None:
        """The figure, where it takes both kinds, if these shares of the sick and of the healthy are flagged."""
        assert self.prevalence is not None
        sick, healthy = self.prevalence * caught, (1 - self.prevalence) * alarmed
        missed, cleared = self.prevalence * (1 - caught), (1 - self.prevalence) * (1 - alarmed)
        if self.figure == "precision":
            return sick / (sick + healthy) if sick + healthy else None
        if self.figure == "npv":
            return cleared / (cleared + missed) if cleared + missed else None
        if self.figure == "flagged":
            return sick + healthy
        prices = self.costs or Costs()
        return prices.miss * missed + prices.false_alarm * healthy
