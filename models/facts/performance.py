"""What the operating points of a model do on the cases of one part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from models import special
from models.calibration import shift
from models.calibration_curve import CalibrationCurve
from models.curve import Counts, Curve
from models.facts.origin import Origin
from models.figures import Figures
from models.manifest import Manifest
from models.net_benefit import DecisionCurve
from models.operating_point import OperatingPoint
from models.subgroup import Subgroup, SubgroupRow, subgroup_table
from models.value import Value

# Recalls that a reader looks up; each is answered by the highest threshold that reaches it.
LOOKED_UP = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1.0)
FINENESS = 500
NO_FAILURES = (
    "A study whose table holds a row that breaks the schema is refused before any part is made, so every case of"
    " this part has an answer: failures are 0 by that rule, whether they were counted as negative or as positive."
    " In use a row that breaks the schema is refused by name, never called negative, and the batch scorer counts it."
)


class Area(Value):
    """Area under the ROC curve with a 95 % interval."""

    value: float
    low: float
    high: float


class Strategy(Value):
    """One way to decide who is flagged, and what comes of it at each prevalence, the first being the base."""

    name: str
    figures: tuple[Figures, ...]


class Corner(Value):
    """One threshold of the curve, as it is drawn."""

    threshold: float
    recall: float
    alarmed: float = Field(description="share of the healthy that is flagged: 1 - specificity")
    precision: float | None = Field(description="at the base prevalence; None if nobody is flagged")


class LookedUp(Value):
    """The highest threshold that still finds a wanted share of the sick."""

    wanted: float
    threshold: float
    figures: Figures


class Drawn(Value):
    """What only a whole curve tells."""

    corners: tuple[Corner, ...] = Field(description="of the ROC curve, thinned to what can be seen")
    looked_up: tuple[LookedUp, ...]
    calibration: CalibrationCurve
    decision: DecisionCurve
    decision_points: DecisionCurve = Field(description="at the thresholds of the points of `decided`")
    decided: tuple[str, ...] = Field(description="the operating points, but for those at a threshold of 1")


class Failures(Value):
    """Cases without an answer."""

    rows: int
    rule: str


class Performance(Value):
    """All that was measured on one part of the cases."""

    origin: Origin
    kept: bool | None = Field(description="whether all promises were; None where nothing was to be kept")
    area: Area | None
    points: tuple[Strategy, ...] = Field(description="the released point first")
    everybody: Strategy
    nobody: Strategy
    drawn: Drawn | None = Field(description="None if the bundle holds no curve of these cases, or of one kind only")
    groups: tuple[SubgroupRow, ...] = Field(description="at the released point, those of few people held back")
    failures: Failures

    @property
    def released(self) -> Figures:
        """The released point at the base prevalence."""
        return self.points[0].figures[0]


def performance(
    manifest: Manifest,
    curve: Curve | None,
    counts: Counts,
    groups: Sequence[Subgroup],
    *,
    origin: Origin,
    prevalences: tuple[float, ...],
) -> Performance:
    """Measure the points of a manifest on a part of the cases: its `curve`, or `counts` of the released point alone."""
    point = manifest.point
    sick, healthy = counts.positives, counts.negatives
    everybody = Counts(hits=sick, misses=0, alarms=healthy, clears=0)
    nobody = Counts(hits=0, misses=sick, alarms=0, clears=healthy)
    evidence = manifest.evidence if origin.part == "test" else None
    return Performance(
        origin=origin,
        kept=evidence.kept if evidence else None,
        area=Area(value=evidence.area_under_curve, low=evidence.area_interval[0], high=evidence.area_interval[1])
        if evidence
        else None,
        points=tuple(_strategy(each, curve, manifest.prevalence, prevalences) for each in manifest.points)
        if curve
        # A bundle without a curve of its test cases is of the first format, where a point has no zone.
        else (Strategy(name=point.name, figures=_figures(counts, None, point, manifest.prevalence, prevalences)),),
        everybody=Strategy(
            name="flag everybody", figures=_figures(everybody, None, point, manifest.prevalence, prevalences)
        ),
        nobody=Strategy(name="flag nobody", figures=_figures(nobody, None, point, manifest.prevalence, prevalences)),
        drawn=_drawn(manifest, curve, prevalences[0]),
        groups=subgroup_table(groups, point.threshold, point.clear_below),
        failures=Failures(rows=0, rule=NO_FAILURES),
    )


def moved(threshold: float, prevalence: float, to: float) -> float:
    """A threshold stated at one prevalence as it reads at another: the same people are flagged.

    >>> round(moved(0.5, 0.5, 0.1), 4)
    0.1
    """
    if not 0 < threshold < 1:
        return threshold
    return float(special.expit(shift(special.logit(threshold), prevalence=prevalence, to=to)))


def _strategy(point: OperatingPoint, curve: Curve, stated: float, prevalences: tuple[float, ...]) -> Strategy:
    below = curve.at(point.clear_below) if point.has_zone else None
    return Strategy(name=point.name, figures=_figures(curve.at(point.threshold), below, point, stated, prevalences))


def _figures(
    counts: Counts, below: Counts | None, point: OperatingPoint, stated: float, prevalences: tuple[float, ...]
) -> tuple[Figures, ...]:
    return tuple(
        Figures.of(counts, prevalence=at, below=below, threshold=moved(point.threshold, stated, at))
        for at in prevalences
    )


def _drawn(manifest: Manifest, curve: Curve | None, base: float) -> Drawn | None:
    if curve is None or not curve.positive_count or not curve.negative_count:
        return None
    thresholds = {point.name: moved(point.threshold, manifest.prevalence, base) for point in manifest.points}
    # Acting only on those who are sick for certain has no finite price, and so no net benefit.
    thresholds = {name: threshold for name, threshold in thresholds.items() if threshold < 1}
    return Drawn(
        corners=_corners(curve, base),
        looked_up=_looked_up(curve, base),
        calibration=CalibrationCurve.of(curve),
        decision=DecisionCurve.of(curve, prevalence=base),
        decision_points=DecisionCurve.of(curve, prevalence=base, thresholds=thresholds.values()),
        decided=tuple(thresholds),
    )


def _corners(curve: Curve, base: float) -> tuple[Corner, ...]:
    """The curve's points, one for each that lies apart from the others by more than a line's width."""
    thresholds, hits, alarms = curve.cumulative
    recall, alarmed = hits / curve.positive_count, alarms / curve.negative_count
    seen = np.stack([np.rint(recall * FINENESS), np.rint(alarmed * FINENESS)])
    apart = np.flatnonzero(np.any(np.diff(seen, axis=1, prepend=-1) != 0, axis=0))
    # A line ends where nobody is flagged, however near its last corner lies.
    apart = np.union1d(apart, [len(hits) - 1])
    return tuple(
        Corner(
            # Above every score nobody is flagged; 1 stands for that.
            threshold=float(thresholds[place]) if place < len(thresholds) else 1.0,
            recall=float(recall[place]),
            alarmed=float(alarmed[place]),
            precision=_counts(curve, int(hits[place]), int(alarms[place])).precision_at(base).value,
        )
        for place in apart.tolist()
    )


def _looked_up(curve: Curve, base: float) -> tuple[LookedUp, ...]:
    """Each wanted recall with the highest threshold that reaches it; where several share one, the highest recall."""
    thresholds, hits, alarms = curve.cumulative
    found: dict[int, LookedUp] = {}
    for wanted in LOOKED_UP:
        place = int(np.flatnonzero(hits >= wanted * curve.positive_count)[-1])
        counts = _counts(curve, int(hits[place]), int(alarms[place]))
        found[place] = LookedUp(
            wanted=wanted, threshold=float(thresholds[place]), figures=Figures.of(counts, prevalence=base)
        )
    return tuple(found.values())


def _counts(curve: Curve, hits: int, alarms: int) -> Counts:
    return Counts(hits=hits, misses=curve.positive_count - hits, alarms=alarms, clears=curve.negative_count - alarms)
