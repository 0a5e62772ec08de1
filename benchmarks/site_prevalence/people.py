"""People of whom everything is known: where a model was made, and at the sites where it is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.curve import Curve

Floats = NDArray[np.float64]
# Of the sick where the model was made; healthy people score N(0, 1), the sick N(APART, spread).
APART, OWN = 2.0, 0.1


def probabilities(scores: Floats) -> NDArray[np.float32]:
    """What the model says: right where both kinds spread alike and a tenth is sick, in steps of a quarter of a logit."""
    logits = APART * scores - APART**2 / 2 + special.logit(OWN)
    return special.expit(np.round(logits * 4) / 4).astype(np.float32)


@dataclass(frozen=True)
class Site:
    """A certification part, and the people of a site: of some prevalence, or who differ by more than it."""

    prevalence: float
    rows: int
    sick: int
    healthy: int
    spread: float = 1.0
    # What is different at the site beside the prevalence; nothing, where prior shift holds.
    sick_higher: float = 0.0
    healthy_higher: float = 0.0
    unlike: float = 0.0

    def certification(self, random: np.random.Generator) -> Curve:
        """The cases that the bundle carries, with their labels."""
        scores = np.concatenate([random.normal(APART, self.spread, self.sick), random.normal(0, 1, self.healthy)])
        return Curve.of(probabilities(scores), np.repeat([1, 0], [self.sick, self.healthy]), prevalence=OWN)

    def people(self, random: np.random.Generator) -> NDArray[np.float32]:
        """The probabilities of the site's people, whose labels nobody knows.

        Of the sick, a share of `unlike` scores as the healthy do.
        """
        sick = random.random(self.rows) < self.prevalence
        alike = sick & (random.random(self.rows) >= self.unlike)
        healthy = random.normal(self.healthy_higher, 1, self.rows)
        scores = np.where(alike, random.normal(APART + self.sick_higher, self.spread, self.rows), healthy)
        return probabilities(scores)
