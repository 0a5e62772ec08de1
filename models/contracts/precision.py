from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from models.contract import OneThreshold, Span, nearby
from models.curve import Curve
from models.fixed_sequence import surest, walk, walks
from models.operating_point import Certificate
from models.plan import Expected, Need, fewest
from models.promise import Promise
from models.words import AT_LEAST, AT_PREVALENCE, share, share_of


class Precision(OneThreshold):
    """Of the flagged, at least this share is sick, where `prevalence` of the people are.

    Precision moves with prevalence, so the contract names it: what is certified is that TPR / FPR is at least
    p(1 - prevalence) / ((1 - p) prevalence), by the Clopper-Pearson bound of the hits among all flagged
    (`models/flagged_share.py`). Thresholds are tried in an order fixed before the labels of the certification cases
    are seen: from the guide's surest threshold downwards, towards more alarms and more hits, until the first that
    fails. Without a guide, several such walks begin where certain numbers of cases are flagged.

    Source: Angelopoulos et al., "Learn then Test", 2021 (fixed sequence testing); Clopper & Pearson 1934.
    """

    pattern: ClassVar[str] = rf"(?:precision|PPV){AT_LEAST}{share('at_least')}{AT_PREVALENCE}{share('prevalence')}"
    best: ClassVar[Literal["low", "high"]] = "low"

    at_least: float = Field(gt=0, lt=1, description="lowest true precision that is acceptable")
    prevalence: float = Field(gt=0, lt=1, description="share of the sick where the model is used")

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (
            Promise(figure="precision", at_least=self.at_least, confidence=self.confidence, prevalence=self.prevalence),
        )

    @property
    def words(self) -> str:
        return f"precision >= {self.at_least!r} at prevalence {self.prevalence!r}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        at_least, prevalence = share_of(match, "at_least"), share_of(match, "prevalence")
        return cls(at_least=at_least, prevalence=prevalence, confidence=confidence)

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        del groups
        (promise,) = self.promises
        passed = (
            walks(promise, certification)
            if guide is None
            else walk(promise, certification, guide.middles[::-1][surest(promise, guide) :])
        )
        certificate = Certificate(
            promise=promise,
            certified=self.at_least,
            positives=certification.positive_count,
            negatives=certification.negative_count,
        )
        return Span(float(passed[-1]), float(passed[0]), (certificate,), passed[::-1])

    def region(self, curve: Curve) -> float:
        """Mean recall at the precisions nearby, at the named prevalence."""
        _, hits, alarms = curve.cumulative
        caught, alarmed = hits[:-1] / curve.positive_count, alarms[:-1] / curve.negative_count
        sick = self.prevalence * caught
        precision = sick / np.maximum(sick + (1 - self.prevalence) * alarmed, np.finfo(float).tiny)
        return float(np.mean([caught[precision >= least].max(initial=0.0) for least in nearby(self.at_least)]))

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """The fewest cases on which a model as expected is certified."""
        need = fewest(self.promises[0], expected, expected.share or self.prevalence)
        return () if need is None else (need,)
