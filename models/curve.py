"""Counts at every distinct threshold: what any operating point would do, without the data."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from models.intervals import Estimate, precision_at
from models.value import Value

Count = Annotated[int, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Counts(Value):
    """The four counts at one threshold."""

    hits: Count = Field(description="positives that were flagged")
    misses: Count = Field(description="positives that were not")
    alarms: Count = Field(description="negatives that were flagged")
    clears: Count = Field(description="negatives that were not")

    @property
    def positives(self) -> int:
        """How many cases were positive."""
        return self.hits + self.misses

    @property
    def negatives(self) -> int:
        """How many cases were negative."""
        return self.alarms + self.clears

    @property
    def prevalence(self) -> float:
        """Share of positives among the cases."""
        return self.positives / (self.positives + self.negatives)

    def precision_at(self, prevalence: float) -> Estimate:
        """Precision where `prevalence` of the people are sick, with its interval."""
        return precision_at(
            hits=self.hits,
            positives=self.positives,
            alarms=self.alarms,
            negatives=self.negatives,
            prevalence=prevalence,
        )

    def grown(self, times: float) -> Self:
        """So many times the cases of the same kinds, rounded to the model's disadvantage."""
        return type(self)(
            hits=math.floor(self.hits * times),
            misses=math.ceil(self.misses * times),
            alarms=math.ceil(self.alarms * times),
            clears=math.floor(self.clears * times),
        )


class Curve(Value):
    """How many positives and negatives scored exactly each distinct probability, lowest first.

    Candidate thresholds are the observed scores themselves: at a prevalence of 1:1000 the answer lies near
    0.0002, where a grid of round numbers has no point. Probabilities are 32-bit floats, as the graph gives
    them, so a threshold taken from here is compared in the graph bit by bit.
    """

    thresholds: tuple[Probability, ...] = Field(description="distinct probabilities, rising")
    positives: tuple[Count, ...] = Field(description="positives at exactly each")
    negatives: tuple[Count, ...] = Field(description="negatives at exactly each")
    prevalence: float | None = Field(None, gt=0, lt=1, description="at which the probabilities are stated, if told")

    @classmethod
    def of(cls, probabilities: ArrayLike, targets: ArrayLike, *, prevalence: float | None = None) -> Self:
        """Count probabilities float32 [rows], stated at `prevalence`, against targets [rows] in {0, 1}.

        Raises ValueError if they differ in length, if a target is neither 0 nor 1 or a probability is NaN.

        >>> Curve.of([0.25, 0.5, 0.5], [0, 0, 1])
        Curve(thresholds=(0.25, 0.5), positives=(0, 1), negatives=(1, 1), prevalence=None)
        """
        scores = np.asarray(probabilities, dtype=np.float32)
        truth = np.asarray(targets)
        if scores.ndim != 1 or scores.shape != truth.shape:
            raise ValueError(f"Expected one shape, got probabilities {scores.shape}, targets {truth.shape}.")
        if not np.isin(truth, (0, 1)).all():
            raise ValueError("Targets should be 0 or 1.")
        if not ((scores >= 0) & (scores <= 1)).all():
            raise ValueError("Probabilities should lie from 0 to 1, and none be NaN.")
        thresholds, place = np.unique(scores, return_inverse=True)
        sick = np.bincount(place, weights=truth, minlength=len(thresholds)).astype(int)
        everyone = np.bincount(place, minlength=len(thresholds))
        return cls(
            thresholds=tuple(thresholds.tolist()),
            positives=tuple(sick.tolist()),
            negatives=tuple((everyone - sick).tolist()),
            prevalence=prevalence,
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sizes = {len(self.thresholds), len(self.positives), len(self.negatives)}
        if len(sizes) > 1:
            raise ValueError(f"thresholds, positives and negatives should be of one length, got {sorted(sizes)}")
        if any(low >= high for low, high in zip(self.thresholds, self.thresholds[1:], strict=False)):
            raise ValueError("thresholds should rise")
        return self

    @cached_property
    def positive_count(self) -> int:
        """How many cases were positive."""
        return sum(self.positives)

    @cached_property
    def negative_count(self) -> int:
        """How many cases were negative."""
        return sum(self.negatives)

    @property
    def share(self) -> float:
        """The share of the cases that are positive."""
        return self.positive_count / (self.positive_count + self.negative_count)

    @cached_property
    def highest_positive(self) -> float:
        """The highest probability of a positive: above it none of the sick is flagged; 1 without any positive."""
        scored = zip(reversed(self.thresholds), reversed(self.positives), strict=True)
        return next((threshold for threshold, positives in scored if positives), 1.0)

    @cached_property
    def cumulative(self) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        """Thresholds, and the positives and negatives at or above each, with a last entry of none."""
        hits = np.append(np.cumsum(self.positives[::-1], dtype=np.int64)[::-1], 0)
        alarms = np.append(np.cumsum(self.negatives[::-1], dtype=np.int64)[::-1], 0)
        return np.array(self.thresholds, dtype=np.float32), hits, alarms

    def at(self, threshold: float) -> Counts:
        """The counts if all with a probability at or above `threshold` are flagged.

        >>> Curve.of([0.25, 0.5, 0.5], [0, 0, 1]).at(0.5)
        Counts(hits=1, misses=0, alarms=1, clears=1)
        """
        thresholds, hits, alarms = self.cumulative
        place = int(np.searchsorted(thresholds, np.float32(threshold), side="left"))
        return Counts(
            hits=int(hits[place]),
            misses=self.positive_count - int(hits[place]),
            alarms=int(alarms[place]),
            clears=self.negative_count - int(alarms[place]),
        )

    def counts_at(self, thresholds: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positives and negatives at or above each of many thresholds."""
        own, hits, alarms = self.cumulative
        places = np.searchsorted(own, np.asarray(thresholds, dtype=np.float32), side="left")
        return hits[places], alarms[places]

    @cached_property
    def middles(self) -> NDArray[np.float32]:
        """For each distinct probability the middle of the gap below it: as a threshold, it gives the same counts.

        Another processor may round the last bit of a score differently. Where many people share one score, a
        threshold exactly on it would then lose them all; in the middle of the gap it does not.
        """
        at = np.array(self.thresholds, dtype=np.float32)
        below = np.concatenate([np.zeros(1, dtype=np.float32), at[:-1]])
        middle = ((below.astype(np.float64) + at.astype(np.float64)) / 2).astype(np.float32)
        # Between neighbouring floats there is no middle: the score itself is then the threshold.
        return np.where((below < middle) & (middle <= at), middle, at)

    def settled(self, threshold: float) -> float:
        """`threshold` moved down into the middle of the gap below it, with the same counts on these cases.

        >>> Curve.of([0.25, 0.5, 0.5], [0, 0, 1]).settled(0.5)
        0.375
        """
        place = int(np.searchsorted(self.cumulative[0], np.float32(threshold), side="left"))
        return float(np.float32(threshold) if place == len(self.thresholds) else self.middles[place])

    def grown(self, times: int) -> Self:
        """So many times the cases, all of them like those that are there."""
        return self.model_copy(
            update={
                "positives": tuple(count * times for count in self.positives),
                "negatives": tuple(count * times for count in self.negatives),
            }
        )
