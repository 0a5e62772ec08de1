"""From a network's logits to probabilities: exact undo, then a fitted monotone map, then the prevalence."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from models import special
from models.value import Value


class Reliability(Value):
    """How far probabilities can be taken at their word, measured on `rows` cases of which `positives` sick.

    Source: Van Calster et al., "Calibration: the Achilles heel of predictive analytics", BMC Medicine 2019.
    """

    rows: int
    positives: int
    observed_over_expected: float = Field(description="1 if as many are sick as the probabilities add up to")
    slope: float | None = Field(
        description="1 if the logits are as far apart as they should be, below 1 too far; None if the cases do not"
        " say, because the logits separate them perfectly or are all alike"
    )
    intercept: float | None = Field(description="of the logistic fit with that slope; 0 is best")
    brier: float = Field(ge=0, le=1, description="mean squared error of the probabilities")

    @classmethod
    def of(cls, logits: ArrayLike, targets: ArrayLike) -> Self:
        """Measure logits [rows] against targets [rows] in {0, 1}."""
        x, y = np.asarray(logits, dtype=np.float64), np.asarray(targets, dtype=np.float64)
        slope, intercept = (None, None) if _mute(x, y) else logistic_line(x, y, y)
        probabilities = special.expit(x)
        return cls(
            rows=len(y),
            positives=int(y.sum()),
            observed_over_expected=float(y.sum() / probabilities.sum()),
            slope=slope,
            intercept=intercept,
            brier=float(np.mean((probabilities - y) ** 2)),
        )


class Calibration(Value):
    """What turns a raw logit into the logit of a probability.

    Undo is exact: training with loss weights w and sampling rates r adds ln(w+/w-) + ln(r+/r-) to the logit of
    the true probability, so it is taken away again; what other losses do is undone by a map. The rest is mended by a
    line with a positive slope, which keeps every order. Sources: Elkan, IJCAI 2001; King & Zeng, Political Analysis
    2001; Platt 1999.

    >>> Calibration(loss_log_ratio=1.0, prevalence=0.1).logits([1.0]).tolist()
    [0.0]
    """

    undo: Literal["shift", "map", "teacher", "fitted"] = Field(
        "shift",
        description="how what losses did is undone: exactly, by a shift or a map; not at all, for a teacher's logits"
        " were learnt; or by nothing but the fit below",
    )
    loss_log_ratio: float = Field(0.0, description="ln(w+/w-) of the loss weights, taken away from the logit")
    loss_map: tuple[tuple[float, float], ...] | None = Field(
        None, description="raw logits and what they become, both rising, with straight lines between and beyond"
    )
    sampling_log_ratio: float = Field(0.0, description="ln(r+/r-) of the sampling rates, taken away too")
    slope: float = Field(1.0, gt=0, description="of the map fitted after the undo")
    intercept: float = Field(0.0, description="of the map fitted after the undo")
    prevalence: float = Field(gt=0, lt=1, description="among the people for whom the probabilities hold")
    undone: Reliability | None = Field(None, description="after the undo alone, on the cases of the fit")
    fitted: Reliability | None = Field(None, description="after the map too, on the same cases")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for pair, following in pairwise(self.loss_map or ()):
            if not (pair[0] < following[0] and pair[1] < following[1]):
                raise ValueError(f"loss_map should rise in both numbers, got {pair} before {following}")
        if self.loss_map is not None and len(self.loss_map) < 2:
            raise ValueError(f"loss_map should have two points at least, got {len(self.loss_map)}")
        return self

    def logits(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Raw logits [rows] -> calibrated logits [rows] at `prevalence`."""
        undone = self._mapped(np.asarray(raw, dtype=np.float64)) - self.loss_log_ratio - self.sampling_log_ratio
        return self.slope * undone + self.intercept

    def _mapped(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.loss_map is None:
            return raw
        points, levels, slopes = pieces(self.loss_map)
        place = (raw[..., None] >= points[1:]).sum(axis=-1)
        return np.asarray(levels[place] + slopes[place] * (raw - points[place]))

    def fit(self, raw: ArrayLike, targets: ArrayLike) -> Self:
        """This undo, with the map fitted on raw logits [rows] and targets [rows] in {0, 1}.

        Targets are smoothed as Platt does, so that perfectly separated cases do not ask for infinite slopes.

        Raises ValueError if a logit is not finite, if logits and targets differ in shape, if the cases are of
        one kind only, or if higher logits do not mean more sick.
        """
        x, y = np.asarray(raw, dtype=np.float64), np.asarray(targets, dtype=np.float64)
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"Expected one shape, got logits {x.shape}, targets {y.shape}.")
        if not np.isfinite(x).all():
            raise ValueError(f"Logits should be finite, got {int((~np.isfinite(x)).sum())} of {len(x)} that are not.")
        positives = float(y.sum())
        if positives in {0.0, float(len(y))}:
            raise ValueError(f"Calibration needs cases of both kinds, got {int(positives)} positives of {len(y)}.")
        plain = self.model_copy(update={"slope": 1.0, "intercept": 0.0, "prevalence": float(y.mean())})
        undone = plain.logits(x)
        smooth = np.where(y > 0, (positives + 1) / (positives + 2), 1 / (len(y) - positives + 2))
        slope, intercept = logistic_line(undone, smooth, y)
        if slope <= 0:
            raise ValueError(f"Higher logits should mean more sick, got slope {slope:.3g} on {len(y)} cases.")
        found = plain.model_copy(update={"slope": slope, "intercept": intercept})
        return found.model_copy(
            update={"undone": Reliability.of(undone, y), "fitted": Reliability.of(found.logits(x), y)}
        )


def pieces(
    pairs: tuple[tuple[float, float], ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where each straight piece of a map starts, its level there, and its slope, [points - 1] each."""
    points, levels = np.array(pairs).T
    return points[:-1], levels[:-1], np.diff(levels) / np.diff(points)


def _mute(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Whether no finite slope fits best: one kind only, all logits alike, or the kinds perfectly apart."""
    sick, healthy = x[y > 0], x[y == 0]
    if not len(sick) or not len(healthy) or x.min() == x.max():
        return True
    return bool(sick.min() >= healthy.max() or healthy.min() >= sick.max())


def logistic_line(x: NDArray[np.float64], y: NDArray[np.float64], truth: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of y [rows] on x [rows].

    Logits that are all alike have no slope: it is then 1, and the intercept does the rest.
    """
    centre, scale = float(x.mean()), float(x.std())
    rate = float(np.clip(truth.mean(), 1e-9, 1 - 1e-9))
    if scale < 1e-12:
        return 1.0, float(special.logit(rate)) - centre
    z = (x - centre) / scale

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logit = line[0] * z + line[1]
        # log(1 + e^x) without overflow; a logit of 800 is nothing special here.
        value = float(np.mean(np.logaddexp(0.0, logit) - y * logit))
        miss = special.expit(logit) - y
        return value, np.array([float(np.mean(miss * z)), float(np.mean(miss))])

    from scipy import optimize  # noqa: PLC0415  # only who trains fits

    found = optimize.minimize(
        loss,
        np.array([scale, float(special.logit(rate))]),
        jac=True,
        method="BFGS",
        options={"gtol": 1e-9, "maxiter": 500},
    )
    slope, level = (float(number) for number in found.x)
    return slope / scale, level - slope * centre / scale


def shift(logits: ArrayLike, *, prevalence: float, to: float) -> NDArray[np.float64]:
    """Logits of people of whom `prevalence` are sick -> the same people where `to` are.

    Holds if the sick look alike in both places, and so do the healthy (prior shift).

    Source: Saerens, Latinne & Decaestecker, Neural Computation 2002.

    >>> round(float(special.expit(shift([0.0], prevalence=0.5, to=0.1))[0]), 4)
    0.1
    """
    return np.asarray(logits, dtype=np.float64) + float(special.logit(to) - special.logit(prevalence))
