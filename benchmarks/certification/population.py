"""People of whom everything is known: their scores follow normal laws, rounded to a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.costs import Costs
from models.curve import Curve
from models.promise import Promise

Floats = NDArray[np.float64]
TOP = 5.0  # so far above the mean of the sick the last cell begins


@dataclass(frozen=True)
class Group:
    """A share of the people; their healthy score N(healthy, 1), their sick N(sick, 1)."""

    name: str
    share: float
    healthy: float
    sick: float


@dataclass(frozen=True)
class Rates:
    """Shares of the sick and of the healthy that are flagged at each threshold [thresholds], and `own`.

    `own` is the share of the sick among those whom the rates are of; `groups` holds the recalls of groups by name.
    """

    recall: Floats
    alarmed: Floats
    own: float
    groups: Mapping[str, Floats] = field(default_factory=dict)

    def at(self, place: int) -> Rates:
        """Those of one threshold."""
        groups = {name: recall[[place]] for name, recall in self.groups.items()}
        return Rates(self.recall[[place]], self.alarmed[[place]], self.own, groups)

    def figure(self, promise: Promise) -> Floats:
        """The figure a promise is about, at each threshold; NaN where nobody is there to measure it on."""
        share = self.own if promise.prevalence is None else promise.prevalence
        sick, healthy = share * self.recall, (1 - share) * self.alarmed
        missed, cleared = share - sick, 1 - share - healthy
        with np.errstate(invalid="ignore"):
            match promise.figure:
                case "recall":
                    return self.recall if promise.group is None else self.groups[promise.group]
                case "specificity":
                    return 1 - self.alarmed
                case "precision":
                    return np.asarray(sick / (sick + healthy))
                case "npv":
                    return np.asarray(cleared / (cleared + missed))
                case "flagged":
                    return sick + healthy
                case "cost":
                    prices = promise.costs or Costs()
                    return prices.miss * missed + prices.false_alarm * healthy


@dataclass(frozen=True)
class Cases:
    """Drawn people, counted."""

    curve: Curve
    groups: Mapping[str, Curve]

    @cached_property
    def rates(self) -> Rates:
        """Measured, at each distinct probability and beyond all."""
        _, hits, alarms = self.curve.cumulative
        positives, negatives = self.curve.positive_count, self.curve.negative_count
        groups = {
            name: np.append(group.counts_at(self.curve.thresholds)[0], 0) / group.positive_count
            for name, group in self.groups.items()
        }
        return Rates(hits / positives, alarms / negatives, positives / (positives + negatives), groups)


@dataclass(frozen=True)
class Population:
    """People in groups, and the model's score of them, rounded down to multiples of `step`.

    Scores below `floor` are one cell. `tied` only says that the steps are meant to make many share a score.
    """

    prevalence: float
    groups: tuple[Group, ...]
    floor: float
    step: float
    tied: bool = False

    @cached_property
    def _cells(self) -> tuple[NDArray[np.float32], Floats]:
        """The distinct scores as probabilities [cells], and where each begins, unrounded [cells]."""
        distance = self.groups[0].sick - self.groups[0].healthy
        first, last = np.floor(self.floor / self.step), np.ceil((self.groups[0].sick + TOP) / self.step)
        scores = np.arange(first, last) * self.step
        logits = distance * (scores - self.groups[0].healthy) - distance**2 / 2 + special.logit(self.prevalence)
        # Near 1 several scores round to one 32-bit float: they are one cell.
        probabilities, firsts = np.unique(special.expit(logits).astype(np.float32), return_index=True)
        return probabilities, np.append(-np.inf, scores[firsts][1:])

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """All that the model answers: for the first group the true probability of being sick."""
        return self._cells[0]

    @cached_property
    def _tails(self) -> tuple[Floats, Floats]:
        """Of the sick and of the healthy of each group the share at or above each cell, and beyond [groups, cells + 1]."""
        edges = np.append(self._cells[1], np.inf)
        sick, healthy = (
            special.ndtr(np.array([[getattr(group, kind)] for group in self.groups]) - edges)
            for kind in ("sick", "healthy")
        )
        return sick, healthy

    @property
    def _shares(self) -> Floats:
        return np.array([group.share for group in self.groups])

    def truth(self, own: float) -> Rates:
        """What a threshold at each cell, or beyond all, truly does; `own` is the share of the sick."""
        sick, healthy = self._tails
        named = {group.name: tail for group, tail in zip(self.groups, sick, strict=True)}
        return Rates(self._shares @ sick, self._shares @ healthy, own, named)

    def place(self, threshold: float) -> int:
        """The first cell that a threshold on the probability flags."""
        return int(np.searchsorted(self.probabilities, np.float32(threshold), side="left"))

    def draw(self, random: np.random.Generator, rows: int, share: float) -> Cases:
        """Freshly drawn people, of whom `share` are sick on average."""
        positives = int(random.binomial(rows, share))
        sick, healthy = (
            self._counts(random, cases, tails)
            for cases, tails in zip((positives, rows - positives), self._tails, strict=True)
        )
        groups = {group.name: self._curve(*counts) for group, *counts in zip(self.groups, sick, healthy, strict=True)}
        return Cases(self._curve(sick.sum(axis=0), healthy.sum(axis=0)), groups if len(groups) > 1 else {})

    def _counts(self, random: np.random.Generator, cases: int, tails: Floats) -> NDArray[np.int64]:
        """Cases of one kind in each group and cell [groups, cells]."""
        chances = self._shares[:, None] * -np.diff(tails, axis=1)
        return random.multinomial(cases, (chances / chances.sum()).ravel()).reshape(chances.shape)

    def _curve(self, sick: NDArray[np.int64], healthy: NDArray[np.int64]) -> Curve:
        met = (sick + healthy) > 0
        return Curve(
            thresholds=tuple(self.probabilities[met].tolist()),
            positives=tuple(sick[met].tolist()),
            negatives=tuple(healthy[met].tolist()),
            prevalence=self.prevalence,
        )
