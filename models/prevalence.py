"""How many of some people are sick, told from their scores alone: no label is needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy import special

from models.calibration import logistic_line
from models.calibration_curve import SMALLEST
from models.curve import Curve
from models.errors import FulcrumError
from models.value import Value

Numbers = NDArray[np.float64]

RESAMPLES, AT_ONCE = 1000, 50
FEWEST_ROWS = 50
CONFIDENCE = 0.95
# Logits nearer than this count as one, so that a million rows are some thousand scores: the estimate moves by 1e-7.
STEP = 2.0**-10


class NotIdentified(FulcrumError):
    """Bring other or more rows, or name the prevalence: these scores do not tell it."""


class PrevalenceEstimate(Value):
    """The share of the sick among people whose labels nobody knows, with the range that the data leave open."""

    value: float = Field(gt=0, lt=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    confidence: float = Field(CONFIDENCE, gt=0, lt=1)
    rows: int = Field(gt=0)
    groups: int | None = Field(None, gt=0, description="patients, where rows of one were resampled together")

    def __str__(self) -> str:
        """The estimate with its interval.

        >>> print(PrevalenceEstimate(value=0.0512, low=0.04, high=0.0631, rows=900))
        0.0512 [0.0400, 0.0631]
        """
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


@dataclass(frozen=True)
class _Kinds:
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
        """What a sick and a healthy case count as, smoothed as Platt does: perfect separation stays finite."""
        sick, healthy = self.sick.sum(), self.healthy.sum()
        return float((sick + 1) / (sick + 2)), float(1 / (healthy + 2))


def estimate(
    probabilities: ArrayLike, curve: Curve, *, groups: ArrayLike | None = None, seed: int = 0
) -> PrevalenceEstimate:
    """The prevalence among people with `probabilities` [rows], on the scale of the certification `curve`.

    The sick are taken to look here as they do among the certification cases, and so are the healthy; only the
    mix is another (prior shift). A logistic line through the certification cases makes likelihood ratios of the
    scores, and the share of the sick is that of greatest likelihood, to which the EM iteration of Saerens climbs;
    the likelihood is concave, so Newton steps between bounds arrive at the same place sooner.

    The interval is the percentile one of 1,000 resamples, of the rows, or of `groups` [rows] where rows of one
    patient belong together, and each time of the certification cases too: the line is an estimate itself.

    Raises NotIdentified if the scores are alike, too few, or at one end of what is possible, or if the
    certification cases do not show that they tell the sick from the healthy.

    Sources: Saerens, Latinne & Decaestecker, Neural Computation 2002; Alexandari, Kundaje & Shrikumar, ICML 2020
    (a line with an intercept first); Efron & Tibshirani, An Introduction to the Bootstrap, 1993.
    """
    scores = np.asarray(probabilities, dtype=np.float64)
    kinds = _kinds(curve)
    distinct, place = np.unique(_logits(scores), return_inverse=True)
    _check(scores, distinct)
    z = (distinct - kinds.centre) / kinds.scale
    line = _line(kinds)
    rows = np.bincount(place, minlength=len(z)).astype(np.float64)
    value = float(most_likely(_ratios(line[None], z, kinds.odds), rows[None])[0])
    if value in {0.0, 1.0}:
        extreme = "lower than those of the healthy" if value == 0 else "higher than those of the sick"
        raise NotIdentified(
            f"prevalence: should be told from the scores, got {value:g}: they are even {extreme} in the"
            " certification cases, so these people differ by more than their prevalence."
        )
    owner = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    resampled = _resamples(kinds, line, z, place, owner, np.random.default_rng(seed))
    low, high = np.quantile(resampled, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return PrevalenceEstimate(
        value=value,
        # The estimate may lie beyond its resamples, by rounding or by chance.
        low=min(float(low), value),
        high=max(float(high), value),
        rows=len(scores),
        groups=None if owner is None else int(owner.max()) + 1,
    )


def most_likely(ratios: Numbers, rows: Numbers) -> Numbers:
    """The mixing shares [samples] that make `rows` [samples, scores] of given likelihood ratios most likely.

    The ratios [samples, scores], or [1, scores] for all samples, are those of sick against healthy. The
    logarithm of the likelihood, the sum of rows * ln(share * ratio + 1 - share), is concave in the share.

    >>> ratios = np.array([[0.5, 2.0]])
    >>> most_likely(ratios, np.array([[40.0, 60.0], [90.0, 10.0]])).round(4).tolist()
    [0.8, 0.0]
    """
    more = ratios - 1

    def slope_and_bend(shares: Numbers) -> tuple[Numbers, Numbers]:
        pull = more / (1 + shares[:, None] * more)
        return (rows * pull).sum(axis=1), -(rows * pull**2).sum(axis=1)

    low, high = np.zeros(len(rows)), np.ones(len(rows))
    at_none, at_all = slope_and_bend(low)[0] <= 0, slope_and_bend(high)[0] >= 0
    shares = np.full(len(rows), 0.5)
    for _ in range(200):
        slope, bend = slope_and_bend(shares)
        low, high = np.where(slope > 0, shares, low), np.where(slope > 0, high, shares)
        stepped = shares - slope / np.minimum(bend, -np.finfo(float).tiny)
        moved = np.where((low < stepped) & (stepped < high), stepped, (low + high) / 2)
        shares, before = moved, shares
        if np.abs(shares - before).max() < 1e-12:
            break
    return np.where(at_none, 0.0, np.where(at_all, 1.0, shares))


def _logits(probabilities: Numbers) -> Numbers:
    logits = special.logit(np.clip(probabilities, SMALLEST, 1 - SMALLEST))
    return np.asarray(np.round(logits / STEP) * STEP)


def _kinds(curve: Curve) -> _Kinds:
    """The certification cases as they are resampled.

    Raises NotIdentified if they are of one kind, or all have one score.
    """
    if not curve.positive_count or not curve.negative_count:
        raise NotIdentified(
            "curve: should hold certification cases of both kinds,"
            f" got {curve.positive_count} positives and {curve.negative_count} negatives."
        )
    logits, place = np.unique(_logits(np.array(curve.thresholds)), return_inverse=True)
    if len(logits) == 1:
        raise NotIdentified("curve: should hold different scores, got one score for all certification cases.")
    centre, scale = float(logits.mean()), float(logits.std())
    return _Kinds(
        (logits - centre) / scale,
        centre,
        scale,
        np.bincount(place, weights=curve.positives),
        np.bincount(place, weights=curve.negatives),
    )


def _check(scores: Numbers, distinct: Numbers) -> None:
    if len(scores) < FEWEST_ROWS:
        raise NotIdentified(f"rows: should be at least {FEWEST_ROWS} to tell a prevalence, got {len(scores)}.")
    if len(distinct) == 1:
        raise NotIdentified(f"rows: should have different scores to tell a prevalence, got {scores[0]:.6g} for all.")


def _line(kinds: _Kinds) -> Numbers:
    """Slope and level of the log odds of being sick, over standardised logits."""
    cases = np.concatenate([np.repeat(kinds.z, kinds.sick.astype(int)), np.repeat(kinds.z, kinds.healthy.astype(int))])
    numbers = [int(kinds.sick.sum()), int(kinds.healthy.sum())]
    return np.array(logistic_line(cases, np.repeat(kinds.smooth, numbers), np.repeat([1.0, 0.0], numbers)))


def _refitted(line: Numbers, kinds: _Kinds, sick: Numbers, healthy: Numbers) -> Numbers:
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


def _ratios(lines: Numbers, z: Numbers, odds: float) -> Numbers:
    """Likelihood ratios [samples, scores] of sick against healthy."""
    return np.asarray(np.exp(lines[:, :1] * z + lines[:, 1:] - odds))


def _resamples(
    kinds: _Kinds,
    line: Numbers,
    z: Numbers,
    place: NDArray[np.intp],
    owner: NDArray[np.intp] | None,
    random: np.random.Generator,
) -> Numbers:
    """The estimate in each resample of rows and certification cases.

    Raises NotIdentified if higher scores do not mean more sick in 39 of 40 of them.
    """
    found, slopes = [], []
    for _ in range(RESAMPLES // AT_ONCE):
        sick, healthy = (
            random.multinomial(int(kind.sum()), kind / kind.sum(), size=AT_ONCE).astype(np.float64)
            for kind in (kinds.sick, kinds.healthy)
        )
        lines = _refitted(line, kinds, sick, healthy)
        found.append(most_likely(_ratios(lines, z, kinds.odds), _drawn(place, owner, len(z), random)))
        slopes.append(lines[:, 0])
    if np.quantile(np.concatenate(slopes), (1 - CONFIDENCE) / 2) <= 0:
        raise NotIdentified(
            "curve: should show that the scores tell the sick from the healthy, got"
            f" {int(kinds.sick.sum())} sick and {int(kinds.healthy.sum())} healthy cases that do not."
        )
    return np.concatenate(found)


def _drawn(
    place: NDArray[np.intp], owner: NDArray[np.intp] | None, scores: int, random: np.random.Generator
) -> Numbers:
    """Rows at each score [samples, scores] in resamples of rows, or of their owners."""
    if owner is None:
        share = np.bincount(place, minlength=scores) / len(place)
        return random.multinomial(len(place), share, size=AT_ONCE).astype(np.float64)
    owners = int(owner.max()) + 1
    times = random.multinomial(owners, np.full(owners, 1 / owners), size=AT_ONCE)
    return np.stack([np.bincount(place, weights=each[owner], minlength=scores) for each in times])
