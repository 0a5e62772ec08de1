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


class NPV(OneThreshold):
    """Of those not flagged, at least this share is healthy, where `prevalence` of the people are sick.

    The mirror of precision: the healthy among all cleared are bounded by Clopper-Pearson
    (`models/flagged_share.py`), and thresholds are tried from the guide's surest upwards, towards more people
    cleared, until the first that fails. Without a guide, several such walks begin where certain numbers of cases
    are cleared.

    Source: Angelopoulos et al., "Learn then Test", 2021 (fixed sequence testing); Clopper & Pearson 1934.
    """

    pattern: ClassVar[str] = (
        rf"(?:NPV|negative predictive value){AT_LEAST}{share('at_least')}{AT_PREVALENCE}{share('prevalence')}"
    )
    best: ClassVar[Literal["low", "high"]] = "high"

    at_least: float = Field(gt=0, lt=1, description="lowest true negative predictive value that is acceptable")
    prevalence: float = Field(gt=0, lt=1, description="share of the sick where the model is used")

    @property
    def promises(self) -> tuple[Promise, ...]:
        return (Promise(figure="npv", at_least=self.at_least, confidence=self.confidence, prevalence=self.prevalence),)

    @property
    def words(self) -> str:
        return f"NPV >= {self.at_least!r} at prevalence {self.prevalence!r}"

    @classmethod
    def from_words(cls, match: re.Match[str], confidence: float) -> Self:
        at_least, prevalence = share_of(match, "at_least"), share_of(match, "prevalence")
        return cls(at_least=at_least, prevalence=prevalence, confidence=confidence)

    def span(self, certification: Curve, *, guide: Curve | None, groups: Mapping[str, Curve]) -> Span:
        del groups
        (promise,) = self.promises
        if guide is None:
            passed = walks(promise, certification)
        else:
            # The guide's thresholds are ranked from the highest down; the walk goes up from the surest.
            place = len(guide.middles) - 1 - surest(promise, guide)
            passed = walk(promise, certification, guide.middles[place:])
        certificate = Certificate(
            promise=promise,
            certified=self.at_least,
            positives=certification.positive_count,
            negatives=certification.negative_count,
        )
        return Span(float(passed[0]), float(passed[-1]), (certificate,), passed)

    def region(self, curve: Curve) -> float:
        """Mean share of the healthy cleared at the NPVs nearby, at the named prevalence."""
        _, hits, alarms = curve.cumulative
        missed, cleared = 1 - hits / curve.positive_count, 1 - alarms / curve.negative_count
        healthy = (1 - self.prevalence) * cleared
        npv = healthy / np.maximum(healthy + self.prevalence * missed, np.finfo(float).tiny)
        return float(np.mean([cleared[npv >= least].max(initial=0.0) for least in nearby(self.at_least)]))

    def plan(self, expected: Expected) -> tuple[Need, ...]:
        """The fewest cases on which a model as expected is certified."""
        need = fewest(self.promises[0], expected, expected.share or self.prevalence)
        return () if need is None else (need,)
