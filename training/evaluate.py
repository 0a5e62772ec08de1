"""What a finished model does on cases that nothing was chosen on, asked through the scorer that serves it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.calibration import Reliability
from models.curve import Curve
from models.grouping import curves, subgroups
from models.inputs import Inputs
from models.manifest import Evidence, Part
from models.operating_point import Measured, OperatingPoint, spoken_of
from models.scorer import Scorer

RESAMPLES = 1000


def evaluate(
    scorer: Scorer,
    rows: Inputs | NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    groups: NDArray[np.int64] | None = None,
    members: Mapping[str, NDArray[np.str_]] | None = None,
    seed: int = 0,
) -> Evidence:
    """Measure the baked operating point on test rows and targets [rows] in {0, 1}.

    The area under the ROC curve has a percentile interval from 1,000 resamples, of groups [rows] where rows of
    one patient belong together, else of rows. `members` names the subgroup of each row, a grouping's column each.
    """
    scores = scorer.score(rows)
    at = scorer.manifest.prevalence
    curve = Curve.of(scores.probability, targets, prevalence=at)
    known = subgroups(members or {}, scores.probability, targets, prevalence=at)
    point = scorer.manifest.point
    low, high = np.quantile(_areas(scores.probability, targets, groups, seed), (0.025, 0.975))
    return Evidence(
        part=Part(name="test", rows=len(targets), positives=int(targets.sum())),
        area_under_curve=area(curve),
        area_interval=(float(low), float(high)),
        reliability=Reliability.of(scores.logit, targets),
        measured=Measured.of(curve, point.threshold, prevalence=point.prevalence),
        kept=kept(point, curve, curves(known)),
        curve=curve,
        groups=known,
    )


def kept(point: OperatingPoint, curve: Curve, groups: Mapping[str, Curve]) -> bool:
    """Whether all promised figures were reached on these cases; a subgroup without a case to tell breaks none."""
    for promise in point.promises:
        if promise.group is not None and promise.group not in groups:
            continue
        cases = curve if promise.group is None else groups[promise.group]
        cleared = cases.at(point.clear_below) if point.has_zone else None
        found = promise.measured(spoken_of(promise, cases.at(point.threshold), cleared))
        if not promise.met_by(found) and not (found is None and promise.group):
            return False
    return True


def area(curve: Curve) -> float:
    """Area under the ROC curve: the chance that a sick person scores above a healthy one, ties counting half.

    >>> area(Curve.of([0.1, 0.2, 0.2, 0.3], [0, 0, 1, 1]))
    0.875
    """
    return float(_area(np.array([curve.positives], dtype=float), np.array([curve.negatives], dtype=float))[0])


def _area(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> NDArray[np.float64]:
    """Areas of many samples at once, from counts [samples, distinct scores], scores rising."""
    below = np.cumsum(negatives, axis=1) - negatives / 2
    return np.asarray((positives * below).sum(axis=1) / (positives.sum(axis=1) * negatives.sum(axis=1)))


def _areas(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.float32],
    groups: NDArray[np.int64] | None,
    seed: int,
) -> NDArray[np.float64]:
    """The area in each resample that holds cases of both kinds."""
    random = np.random.default_rng(seed)
    distinct, place = np.unique(probabilities, return_inverse=True)
    # Rows with one score, one target and one group always come and go together.
    owner = np.arange(len(targets)) if groups is None else np.unique(groups, return_inverse=True)[1]
    owners = int(owner.max()) + 1
    found = []
    for _ in range(RESAMPLES):
        weight = np.bincount(random.integers(owners, size=owners), minlength=owners)[owner]
        sick = np.bincount(place, weights=weight * targets, minlength=len(distinct))
        everyone = np.bincount(place, weights=weight, minlength=len(distinct))
        if 0 < sick.sum() < everyone.sum():
            found.append(_area(sick[None].astype(float), (everyone - sick)[None].astype(float))[0])
    return np.array(found)
