"""Where on its curve a model works, what was promised there, and what was measured."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from models.curve import Counts, Curve, Probability
from models.intervals import Estimate, wilson
from models.value import Value


class Promise(Value):
    """A figure that is at least so large, with a confidence, and at which prevalence if that matters."""

    figure: Literal["recall", "precision"]
    at_least: float = Field(gt=0, lt=1)
    confidence: float = Field(gt=0.5, lt=1)
    prevalence: float | None = Field(None, gt=0, lt=1)

    def __str__(self) -> str:
        """In words.

        >>> print(Promise(figure="precision", at_least=0.9, confidence=0.95, prevalence=0.01))
        precision >= 0.9 at prevalence 0.01 with confidence 0.95
        """
        where = "" if self.prevalence is None else f" at prevalence {self.prevalence:g}"
        return f"{self.figure} >= {self.at_least:g}{where} with confidence {self.confidence:g}"

    def kept_by(self, measured: Estimate) -> bool:
        """Whether a measured figure is as large as was promised."""
        return measured.value is not None and measured.value >= self.at_least


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
    """A certified threshold: rows whose probability is not below it are flagged."""

    threshold: Probability = Field(description="a 32-bit float, compared in the graph")
    promise: Promise
    certified: float = Field(
        ge=0, le=1, description="the figure is at least this with the promised confidence (Clopper-Pearson)"
    )
    positives: int = Field(ge=0, description="positive cases it was certified on")
    negatives: int = Field(ge=0, description="negative cases it was certified on")
    measured: Measured = Field(description="on the certification cases")

    @model_validator(mode="after")
    def _kept(self) -> Self:
        if self.certified < self.promise.at_least:
            raise ValueError(f"certified should be at least {self.promise.at_least}, got {self.certified}")
        return self
