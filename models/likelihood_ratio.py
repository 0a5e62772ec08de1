"""Scores as evidence: how much likelier each is among the sick, by a logistic line through a curve's cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import special
from models.calibration import logistic_line
from models.calibration_curve import SMALLEST
from models.curve import Curve
from models.errors import FulcrumError

Numbers = NDArray[np.float64]

# Logits nearer than this count as one, so that a million rows are some thousand scores: a prevalence moves by 1e-7.
STEP = 2.0**-10
# Of a case. A whole one, as Platt takes, moves a prevalence of 3 % to 2.9 % where 100 sick were certified on.
SMOOTHING = 0.1
# Of the logarithm of a likelihood ratio, so that its square is a number still.
LARGEST = 300.0


class NotIdentified(FulcrumError):
    """Bring other or more rows, or name the prevalence: these scores do not tell it."""


@dataclass(frozen=True)
class Kinds:
    """Distinct logits of the certification cases [scores], standardised, and how many sick and healthy have each."""

    z: Numbers
    centre: float
    scale: float
    sick: Numbers
    healthy: Numbers

    @property
    def odds(self) -> float:
        """Log odds of being sick among them."""
        return float(np.log(self.sick.sum() / self.healthy.sum()))

    @property
    def smooth(self) -> tuple[float, float]:
        """What a sick and a healthy case count as: smoothed, so that perfect separation stays finite."""
        sick, healthy = self.sick.sum(), self.healthy.sum()
        return float((sick + SMOOTHING) / (sick + 2 * SMOOTHING)), float(SMOOTHING / (healthy + 2 * SMOOTHING))


def logits_of(probabilities: Numbers) -> Numbers:
    """Logits [rows], rounded; probabilities of exactly 0 and 1 count as 2**-25 from there."""
    logits = special.logit(np.clip(probabilities, SMALLEST, 1 - SMALLEST))
    return np.asarray(np.round(logits / STEP) * STEP)


def kinds_of(curve: Curve) -> Kinds:
    """The cases of a curve as they are resampled.

    Raises NotIdentified if they are of one kind, or all have one score.
    """
    if not curve.positive_count or not curve.negative_count:
        raise NotIdentified(
            "curve: should hold certification cases of both kinds,"
            f" got {curve.positive_count} positives and {curve.negative_count} negatives."
        )
    logits, place = np.unique(logits_of(np.array(curve.thresholds)), return_inverse=True)
    if len(logits) == 1:
        raise NotIdentified("curve: should hold different scores, got one score for all certification cases.")
    centre, scale = float(logits.mean()), float(logits.std())
    return Kinds(
        (logits - centre) / scale,
        centre,
        scale,
        np.bincount(place, weights=curve.positives).astype(np.float64),
        np.bincount(place, weights=curve.negatives).astype(np.float64),
    )


def line_of(kinds: Kinds) -> Numbers:
    """Slope and level of the log odds of being sick, over standardised logits."""
    cases = np.concatenate([np.repeat(kinds.z, kinds.sick.astype(int)), np.repeat(kinds.z, kinds.healthy.astype(int))])
    numbers = [int(kinds.sick.sum()), int(kinds.healthy.sum())]
    return np.array(logistic_line(cases, np.repeat(kinds.smooth, numbers), np.repeat([1.0, 0.0], numbers)))


def refitted(line: Numbers, kinds: Kinds, sick: Numbers, healthy: Numbers) -> Numbers:
    """The line of many samples [samples, 2], by Newton's steps from that of all."""
    lines = np.tile(line, (len(sick), 1))
    high, low = kinds.smooth
    everyone, wanted = sick + healthy, high * sick + low * healthy
    for _ in range(50):
        expected = special.expit(lines[:, :1] * kinds.z + lines[:, 1:])
        miss, weight = wanted - everyone * expected, everyone * expected * (1 - expected)
        pull = np.stack([miss @ kinds.z, miss.sum(axis=1)], axis=1)
        squares, products, level = weight @ kinds.z**2, weight @ kinds.z, weight.sum(axis=1)
        determinant = squares * level - products**2
        step = np.stack(
            [level * pull[:, 0] - products * pull[:, 1], squares * pull[:, 1] - products * pull[:, 0]], axis=1
        )
        # A step as long as the line itself is no step but a flight.
        step = np.clip(step / np.maximum(determinant, np.finfo(float).tiny)[:, None], -1, 1)
        lines += step
        if np.abs(step).max() < 1e-9:
            break
    return lines


def ratios_of(lines: Numbers, z: Numbers, odds: float) -> Numbers:
    """Likelihood ratios [samples, scores] of sick against healthy."""
    return np.asarray(np.exp(np.clip(lines[:, :1] * z + lines[:, 1:] - odds, -LARGEST, LARGEST)))
