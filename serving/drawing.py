"""What the page draws of a model, all of it made from the bundle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from models import special
from models.calibration import shift
from models.calibration_curve import CalibrationCurve
from models.curve import Curve
from models.errors import BadInput, Refusal
from models.manifest import Evidence, Symptom, Target
from models.net_benefit import DecisionCurve
from models.scorer import Scorer
from models.subgroup import SubgroupRow, subgroup_table, suppressed
from models.turn import Setting
from models.value import Value

# As many points as a screen shows; all corners of a smaller curve are kept.
DRAWN = 500
LIMITS = ("threshold", "clear_below")
PROBABILITY = "should be a probability from 0 to 1"


class Line(Value):
    """Hits and false alarms at or above each threshold."""

    thresholds: tuple[float, ...] = Field(description="rising, at the prevalence of the drawing")
    hits: tuple[int, ...]
    alarms: tuple[int, ...]

    @classmethod
    def of(cls, curve: Curve, prevalence: float) -> Line:
        """A curve restated at a prevalence, thinned to what a screen shows."""
        thresholds, hits, alarms = curve.cumulative
        places = _thinned(len(thresholds), hits + alarms)
        moved = _at(thresholds[places].astype(np.float64), curve.prevalence, prevalence)
        return cls(
            thresholds=tuple(moved.tolist()), hits=tuple(hits[places].tolist()), alarms=tuple(alarms[places].tolist())
        )


class GroupLine(Value):
    """The line of one subgroup; empty where it is of too few people to be shown."""

    column: str
    value: str
    line: Line | None
    positives: int | None
    negatives: int | None
    suppressed: bool


class NamedPoint(Value):
    """A point that the bundle carries by name."""

    name: str
    in_words: str
    threshold: float
    clear_below: float


class Measured(Value):
    """How the released point did on cases on which nothing was chosen."""

    rows: int
    positives: int
    kept: bool
    area_under_curve: float
    area_interval: tuple[float, float]

    @classmethod
    def of(cls, evidence: Evidence) -> Measured:
        """The evidence of a manifest, in short."""
        return cls(
            rows=evidence.part.rows,
            positives=evidence.part.positives,
            kept=evidence.kept,
            area_under_curve=evidence.area_under_curve,
            area_interval=evidence.area_interval,
        )


class CertificationCases(Value):
    """How many cases the curve was counted on."""

    rows: int
    positives: int
    negatives: int


class Drawing(Value):
    """Everything the page draws of one model."""

    model: str
    endpoint: str
    bundle: str
    purpose: str
    target: Target
    columns: tuple[dict[str, Any], ...]
    image: dict[str, Any] | None = Field(description="the photograph of a row; null if the model looks at none")
    symptoms: tuple[Symptom, ...]
    contract: str
    points: tuple[NamedPoint, ...]
    prevalence: float = Field(description="at which everything below is stated that does not say otherwise")
    certification: CertificationCases
    curve: Line
    calibration: CalibrationCurve = Field(description="at the prevalence for which the model was calibrated")
    decision_curve: DecisionCurve
    groups: tuple[GroupLine, ...]
    evidence: Measured | None


class GroupTable(Value):
    """What a pair of thresholds does for each subgroup."""

    groups: tuple[SubgroupRow, ...]


def drawing(scorer: Scorer, endpoint: str, prevalence: float | None = None) -> Drawing:
    """What the page draws, stated at `prevalence` or at the bundle's own.

    Raises BadInput if it is no share between 0 and 1.
    """
    manifest, curve = scorer.manifest, scorer.manifest.curve
    at = scorer.turn(Setting.told(None, prevalence)).prevalence
    return Drawing(
        model=scorer.bundle.name,
        endpoint=endpoint,
        bundle=scorer.bundle.digest,
        purpose=manifest.purpose,
        target=manifest.target,
        columns=tuple(column.model_dump(mode="json") for column in manifest.columns.columns),
        image=manifest.columns.image.model_dump(mode="json") if manifest.columns.image else None,
        symptoms=manifest.symptoms,
        contract=str(manifest.contract),
        points=tuple(
            NamedPoint(
                name=point.name,
                in_words=point.in_words,
                threshold=point.threshold,
                clear_below=point.clear_below,
            )
            for point in manifest.points
        ),
        prevalence=at,
        certification=CertificationCases(
            rows=curve.positive_count + curve.negative_count,
            positives=curve.positive_count,
            negatives=curve.negative_count,
        ),
        curve=Line.of(curve, at),
        calibration=CalibrationCurve.of(_as_calibrated(curve, manifest.calibration.prevalence)),
        decision_curve=DecisionCurve.of(curve, prevalence=at),
        groups=tuple(
            GroupLine(
                column=group.column,
                value=group.value,
                line=None if hidden else Line.of(group.curve, at),
                positives=None if hidden else group.curve.positive_count,
                negatives=None if hidden else group.curve.negative_count,
                suppressed=hidden,
            )
            for group, hidden in zip(manifest.groups, suppressed(manifest.groups), strict=True)
        ),
        evidence=Measured.of(manifest.evidence) if manifest.evidence else None,
    )


def groups_at(scorer: Scorer, *, threshold: float, clear_below: float, prevalence: float | None = None) -> GroupTable:
    """What a pair of thresholds, stated at `prevalence` or at the bundle's own, does for each subgroup.

    Raises BadInput if clear_below is above the threshold, or one is no probability.
    """
    limits = dict(zip(LIMITS, (threshold, clear_below), strict=True))
    if wrong := [Refusal(name, PROBABILITY, f"{limit}") for name, limit in limits.items() if not 0 <= limit <= 1]:
        raise BadInput(wrong)
    if clear_below > threshold:
        raise BadInput([Refusal("clear_below", f"should not be above the threshold {threshold}", f"{clear_below}")])
    own = [scorer.turn(Setting.told(limit, prevalence)).own[0] for limit in limits.values()]
    return GroupTable(groups=subgroup_table(scorer.manifest.groups, own[0], min(own)))


def _thinned(count: int, flagged: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of at most DRAWN thresholds, spread evenly over the people and over the thresholds."""
    if count <= DRAWN:
        return np.arange(count)
    by_people = np.searchsorted(-flagged[:-1], -np.linspace(flagged[0], flagged[-2], DRAWN // 2))
    by_place = np.linspace(0, count - 1, DRAWN // 2).astype(np.int64)
    return np.unique(np.concatenate([by_people.clip(0, count - 1), by_place]))


def _as_calibrated(curve: Curve, prevalence: float) -> Curve:
    """The curve with its probabilities restated among the people of whom the cases were drawn.

    How many of the cases were sick can be compared with these alone: a bundle may state its own for another place.
    """
    moved = _at(np.array(curve.thresholds, dtype=np.float64), curve.prevalence, prevalence)
    # Not checked: what was apart as 32-bit floats may come together where nearly all are sick.
    return Curve.model_construct(
        thresholds=tuple(moved.tolist()), positives=curve.positives, negatives=curve.negatives, prevalence=prevalence
    )


def _at(thresholds: NDArray[np.float64], own: float | None, prevalence: float) -> NDArray[np.float64]:
    if own in {None, prevalence}:
        return thresholds
    assert own is not None
    with np.errstate(divide="ignore"):
        return np.asarray(special.expit(shift(special.logit(thresholds), prevalence=own, to=prevalence)))
