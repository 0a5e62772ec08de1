"""How often people of each expected probability were truly sick, from a curve's own counts."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models import special
from models.calibration import Reliability
from models.curve import Curve
from models.intervals import Estimate, wilson
from models.value import Value

BINS = 10
# Half a step of a 32-bit float below 1: as near as a probability that was rounded to 1 may truly have been.
SMALLEST = 2.0**-25


class CalibrationBin(Value):
    """People of neighbouring probabilities."""

    expected: float = Field(ge=0, le=1, description="their mean probability")
    observed: Estimate = Field(description="how many were sick")
    rows: int = Field(gt=0)


class CalibrationCurve(Value):
    """Expected against observed, over all people and in bins of about equal size, lowest first.

    Source: Van Calster et al., "Calibration: the Achilles heel of predictive analytics", BMC Medicine 2019.
    """

    bins: tuple[CalibrationBin, ...]
    slope: float | None = Field(
        description="1 if the logits are as far apart as they should be, below 1 too far; None if the cases do not"
        " say, because the logits separate them perfectly or are all alike"
    )
    intercept: float | None = Field(description="of the logistic fit with that slope; 0 is best")
    observed_over_expected: float | None = Field(
        description="1 if as many are sick as the probabilities add up to; None if they add up to nothing"
    )

    @classmethod
    def of(cls, curve: Curve, *, bins: int = BINS) -> Self:
        """Measure the probabilities of `curve` in at most so many `bins`.

        A bin ends where its share of the people is reached and never splits those of one probability: where many
        are tied there are fewer bins. Probabilities of exactly 0 and 1 count as 2**-25 from there in slope and
        intercept.

        Raises ValueError if the curve has no case or `bins` is below 1.

        >>> curve = Curve.of([0.25, 0.25, 0.75, 0.75], [0, 0, 0, 1])
        >>> [(one.expected, one.observed.value) for one in CalibrationCurve.of(curve, bins=2).bins]
        [(0.25, 0.0), (0.75, 0.5)]
        """
        if bins < 1:
            raise ValueError(f"bins: should be at least 1, got {bins}.")
        if not curve.positive_count + curve.negative_count:
            raise ValueError("curve: calibration needs at least one case, got none.")
        scores = np.array(curve.thresholds, dtype=np.float64)
        sick, healthy = np.array(curve.positives), np.array(curve.negatives)
        expected = float(scores @ (sick + healthy))
        slope, intercept = _line(scores, sick, healthy)
        return cls(
            bins=tuple(_bins(scores, sick, sick + healthy, bins)),
            slope=slope,
            intercept=intercept,
            observed_over_expected=float(sick.sum()) / expected if expected else None,
        )


def _bins(
    scores: NDArray[np.float64], sick: NDArray[np.int64], rows: NDArray[np.int64], bins: int
) -> list[CalibrationBin]:
    """Each probability goes whole where the middle one of its people belongs."""
    before = np.cumsum(rows) - rows
    # Twice the middle rank, so that it is counted with integers.
    places = (2 * before + rows - 1) * bins // (2 * int(rows.sum()))
    made = []
    for place in np.unique(places[rows > 0]):
        chosen = places == place
        people, of = int(rows[chosen].sum()), int(sick[chosen].sum())
        mean = float(scores[chosen] @ rows[chosen]) / people
        made.append(CalibrationBin(expected=min(mean, 1.0), observed=wilson(of, people), rows=people))
    return made


def _line(
    scores: NDArray[np.float64], sick: NDArray[np.int64], healthy: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    logits = special.logit(np.clip(scores, SMALLEST, 1 - SMALLEST))
    cases = np.concatenate([np.repeat(logits, sick), np.repeat(logits, healthy)])
    found = Reliability.of(cases, np.repeat([1, 0], [int(sick.sum()), int(healthy.sum())]))
    return found.slope, found.intercept
