"""Net benefit over the threshold probabilities: whom a model serves better than flagging all or none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, model_validator

from models.curve import Counts, Curve
from models.intervals import Limits, clopper_pearson, weighted_sum
from models.value import Value

Threshold = Annotated[float, Field(ge=0, lt=1)]
DEFAULT_THRESHOLDS = 100


class DecisionCurve(Value):
    """Net benefit of the model and of flagging all, at each threshold probability; flagging none has 0 everywhere.

    Net benefit is pi TPR - (1 - pi) FPR t / (1 - t): true positives a person, less false ones at what they are
    held to be worth by one who acts from the probability t on. It is stated where `prevalence` (pi) of the people
    are sick. The interval takes the prevalence as known, as for a case-control sample.

    Sources: Vickers & Elkin, Medical Decision Making 2006; Marsh, Janes & Pepe, Biometrics 2020 (the variance at a
    known prevalence is that of TPR and FPR); `models/intervals.py` for limits that hold at small counts.
    """

    prevalence: float = Field(gt=0, lt=1)
    confidence: float = Field(gt=0, lt=1)
    thresholds: tuple[Threshold, ...] = Field(description="probabilities at `prevalence`")
    model: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    all: tuple[float, ...] = Field(description="of flagging everybody")

    @classmethod
    def of(
        cls,
        curve: Curve,
        *,
        prevalence: float,
        thresholds: Iterable[float] | None = None,
        confidence: float = 0.95,
    ) -> Self:
        """Measure `curve` at `prevalence`.

        If the curve says at which prevalence its probabilities are stated, they are moved to this one by prior shift;
        if it does not, they are taken as stated here. Without `thresholds` there are 100, evenly spaced from 0 to ten
        times the prevalence or 0.99: whoever acts only from ten times the usual risk on wants another test than a
        screen.

        Raises ValueError if the curve has no case of one kind, if `prevalence` does not lie strictly between 0 and 1,
        or if a threshold is not a probability below 1.
        """
        if not 0 < prevalence < 1:
            raise ValueError(f"prevalence: should lie strictly between 0 and 1, got {prevalence}.")
        if not curve.positive_count or not curve.negative_count:
            raise ValueError(
                "curve: net benefit needs cases of both kinds, got"
                f" {curve.positive_count} positives, {curve.negative_count} negatives."
            )
        chosen = tuple(_spread(prevalence) if thresholds is None else thresholds)
        made = []
        for place, threshold in enumerate(chosen):
            if not 0 <= threshold < 1:
                raise ValueError(f"thresholds.{place}: should be a probability below 1, got {threshold}.")
            counts = curve.at(_moved(threshold, prevalence, curve.prevalence))
            made.append(net_benefit(counts, prevalence=prevalence, threshold=threshold, confidence=confidence))
        return cls(
            prevalence=prevalence,
            confidence=confidence,
            thresholds=chosen,
            model=tuple(one.value for one in made),
            low=tuple(one.low for one in made),
            high=tuple(one.high for one in made),
            all=tuple(prevalence - (1 - prevalence) * chance / (1 - chance) for chance in chosen),
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sizes = {len(self.thresholds), len(self.model), len(self.low), len(self.high), len(self.all)}
        if len(sizes) > 1:
            raise ValueError(f"thresholds, model, low, high and all should be of one length, got {sorted(sizes)}")
        return self


def net_benefit(counts: Counts, *, prevalence: float, threshold: float, confidence: float = 0.95) -> Limits:
    """Net benefit with its limits of flagging those of `counts`, for one who acts from `threshold` on.

    >>> found = net_benefit(Counts(hits=80, misses=20, alarms=100, clears=900), prevalence=0.1, threshold=0.1)
    >>> [round(number, 4) for number in found]
    [0.07, 0.0606, 0.0775]
    """
    return weighted_sum(
        clopper_pearson(counts.hits, counts.positives, confidence),
        clopper_pearson(counts.alarms, counts.negatives, confidence),
        weights=(prevalence, -(1 - prevalence) * threshold / (1 - threshold)),
    )


def _spread(prevalence: float) -> list[float]:
    highest = min(10 * prevalence, 0.99)
    return [highest * place / (DEFAULT_THRESHOLDS - 1) for place in range(DEFAULT_THRESHOLDS)]


def _moved(probability: float, prevalence: float, to: float | None) -> float:
    """A probability where `prevalence` of the people are sick -> the same person's where `to` are (prior shift)."""
    if to is None or to == prevalence or probability == 0:
        return probability
    moved = probability / (1 - probability) * (to / (1 - to)) / (prevalence / (1 - prevalence))
    return moved / (1 + moved)
