"""Where on its curve a model works, what was promised there, and what was measured."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from models.curve import Counts, Curve, Probability
from models.intervals import Estimate, wilson
from models.promise import OF_THE_CLEARED, Promise
from models.value import Value


class Certificate(Value):
    """A promise that the certification cases carry."""

    promise: Promise
    certified: float = Field(ge=0, description="the figure is at least, or at most, this with the promised confidence")
    positives: int = Field(ge=0, description="positive cases it was certified on")
    negatives: int = Field(ge=0, description="negative cases it was certified on")

    @model_validator(mode="after")
    def _met(self) -> Self:
        if not self.promise.met_by(self.certified):
            most = "least" if self.promise.at_most is None else "most"
            raise ValueError(f"certified should be at {most} {self.promise.bound}, got {self.certified}")
        return self

    def __str__(self) -> str:
        return f"{self.promise.worded(self.certified)} on {self.positives:,} positives and {self.negatives:,} negatives"


class Measured(Value):
    """What a threshold does on some cases, with Wilson intervals; precision at a named prevalence."""

    counts: Counts
    recall: Estimate
    specificity: Estimate
    prevalence: Probability = Field(description="at which precision is stated")
    precision: Estimate

    @classmethod
    def of(cls, curve: Curve, threshold: float, *, prevalence: float | None = None) -> Self:
        """Measure `threshold` on the cases of `curve`.

        Precision is stated at `prevalence`; without one, at the share of positives among these cases.
        """
        counts = curve.at(threshold)
        own = counts.prevalence
        stated = own if prevalence is None else prevalence
        return cls(
            counts=counts,
            recall=wilson(counts.hits, counts.positives),
            specificity=wilson(counts.clears, counts.negatives),
            prevalence=stated,
            precision=wilson(counts.hits, counts.hits + counts.alarms)
            if prevalence is None
            else counts.precision_at(prevalence),
        )


class OperatingPoint(Value):
    """Certified thresholds: rows with a probability of `threshold` or more are flagged, below `clear_below` cleared.

    Between the two, where they differ, the model does not decide.
    """

    name: str = Field("default", pattern=r"^[a-z][a-z0-9_-]*$")
    threshold: Probability = Field(description="a 32-bit float, compared in the graph")
    clear_below: Probability = Field(description="another, not above the threshold; the same where there is no zone")
    certificates: tuple[Certificate, ...] = Field(min_length=1)
    measured: Measured = Field(description="on the certification cases, at `threshold`")
    cleared: Counts | None = Field(None, description="on the same cases at `clear_below`; null where there is no zone")

    @model_validator(mode="before")
    @classmethod
    def _first_format(cls, data: Any) -> Any:
        """The first format held one promise and one threshold."""
        if not isinstance(data, dict) or "promise" not in data:
            return data
        fields = dict(data)
        # One that is not there is missed in the certificate, by its name.
        names = ("promise", "certified", "positives", "negatives")
        certificate = {name: fields.pop(name) for name in names if name in fields}
        return {**fields, "clear_below": fields.get("threshold"), "certificates": [certificate]}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.clear_below > self.threshold:
            raise ValueError(f"clear_below should not be above the threshold {self.threshold}, got {self.clear_below}")
        if (self.cleared is None) == self.has_zone:
            raise ValueError("cleared should be given exactly where clear_below is another threshold")
        return self

    @property
    def has_zone(self) -> bool:
        """Whether there is a zone in which the model does not decide."""
        return self.clear_below < self.threshold

    @property
    def promises(self) -> tuple[Promise, ...]:
        """All that is promised."""
        return tuple(certificate.promise for certificate in self.certificates)

    @property
    def in_words(self) -> str:
        """All that is promised, to be read."""
        return " and ".join(map(str, self.promises))

    @property
    def prevalence(self) -> float | None:
        """At which the promises are made; None if they do not depend on it."""
        return next((promise.prevalence for promise in self.promises if promise.prevalence is not None), None)


def spoken_of(promise: Promise, threshold: Counts, cleared: Counts | None) -> Counts:
    """Of the counts at the two thresholds, those that a promise speaks of."""
    return threshold if cleared is None or promise.figure not in OF_THE_CLEARED else cleared
