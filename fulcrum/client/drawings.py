"""Curves, figures and subgroups of a model, as its page draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fulcrum.client.figures import Estimate
from fulcrum.client.told import Told


class Target(Told):
    """What is screened for."""

    name: str
    meaning: str = ""


class Symptom(Told):
    """A further head of the network, answered in its own unit."""

    name: str
    meaning: str = ""
    unit: str = ""
    scale: Literal["number", "probability", "grade", "count"] = "number"
    highest: float | None = None


class NamedPoint(Told):
    """A point that the bundle carries by name."""

    name: str
    in_words: str
    threshold: float
    clear_below: float


class CertificationCases(Told):
    """How many cases the curve was counted on."""

    rows: int
    positives: int
    negatives: int


class Line(Told):
    """Hits and false alarms at or above each threshold."""

    thresholds: tuple[float, ...]
    hits: tuple[int, ...]
    alarms: tuple[int, ...]


class CalibrationBin(Told):
    """Cases of about one probability: their mean one, and how many were sick."""

    expected: float
    observed: Estimate
    rows: int


class CalibrationCurve(Told):
    """How probabilities compare with what came true."""

    bins: tuple[CalibrationBin, ...]
    slope: float | None
    intercept: float | None
    observed_over_expected: float | None


class DecisionCurve(Told):
    """Net benefit over the threshold probabilities."""

    prevalence: float
    confidence: float
    thresholds: tuple[float, ...]
    model: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    all: tuple[float, ...]


class GroupLine(Told):
    """The line of one subgroup; empty where it is of too few people to be shown."""

    column: str
    value: str
    line: Line | None
    positives: int | None
    negatives: int | None
    suppressed: bool


class Measured(Told):
    """How the released point did on cases on which nothing was chosen."""

    rows: int
    positives: int
    kept: bool
    area_under_curve: float
    area_interval: tuple[float, float]


class Drawing(Told):
    """Everything that the page draws of one model."""

    model: str
    endpoint: str
    bundle: str
    purpose: str
    target: Target
    columns: tuple[Mapping[str, Any], ...]
    image: Mapping[str, Any] | None
    symptoms: tuple[Symptom, ...]
    contract: str
    points: tuple[NamedPoint, ...]
    prevalence: float
    certification: CertificationCases
    curve: Line
    calibration: CalibrationCurve
    decision_curve: DecisionCurve
    groups: tuple[GroupLine, ...]
    evidence: Measured | None


class SubgroupRow(Told):
    """What a pair of thresholds does for one subgroup; None where it is of too few people to be shown."""

    column: str
    value: str
    rows: int | None
    positives: int | None
    recall: Estimate | None
    specificity: Estimate | None
    suppressed: bool


class GroupTable(Told):
    """What a pair of thresholds does for each subgroup."""

    groups: tuple[SubgroupRow, ...]
