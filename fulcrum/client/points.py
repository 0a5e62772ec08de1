"""Operating points as a service tells them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from fulcrum.client.figures import Estimate, Figures
from fulcrum.client.told import Told


class Promised(Told):
    """A promise that the certification cases carry at the thresholds of the answer."""

    in_words: str
    figure: str
    at_least: float | None
    at_most: float | None
    confidence: float
    prevalence: float | None
    group: str | None
    certified: float
    positives: int
    negatives: int


class AnsweredAt(Told):
    """Where on its curve the model worked, what is promised there, and how far its answers can be believed.

    Whose probability is not below `threshold` is positive, whose is below `clear_below` negative; between, undecided.
    `contract` is None and `certificates` are empty for a threshold by hand.
    """

    threshold: float
    clear_below: float
    contract: str | None
    certificates: tuple[Promised, ...]
    precision: Estimate
    npv: Estimate


class WorkingPoint(Told):
    """Where on its curve the model works, what is promised there, and what was measured on the certification cases."""

    threshold: float
    clear_below: float
    prevalence: float
    contract: str | None
    certificates: tuple[Promised, ...]
    figures: Figures


class Setting(Told):
    """What was asked of a model: a name, a threshold or a contract, and a prevalence; None is as released."""

    operating_point: float | str | Mapping[str, JsonValue] | None = None
    prevalence: float | None = None


class Changed(Told):
    """Who turned the live point, when (UTC, ISO 8601) and why; who and why are None to whom a history is not shown."""

    by: str | None
    at: str
    reason: str | None


class Foreseen(Told):
    """The changes that were foreseen when the model was released."""

    lowest: float
    highest: float
    criteria: tuple[str, ...]
    prevalence_low: float | None
    prevalence_high: float | None


class LivePoint(Told):
    """What a model uses now; version 0 is as released, and each change adds one."""

    model: str
    endpoint: str
    bundle: str
    version: int
    setting: Setting
    turned: WorkingPoint
    changed: Changed | None
    change_control: Foreseen | None


class LivePoints(Told):
    """What every model uses now."""

    models: tuple[LivePoint, ...]


class Preview(Told):
    """What a setting would mean, and whether it may become the live point."""

    turned: WorkingPoint
    allowed: bool
    refused_because: tuple[str, ...]


class Recorded(Told):
    """One change of the history."""

    version: int
    setting: JsonValue
    threshold: float
    clear_below: float
    prevalence: float
    in_words: str
    by: str
    at: str
    reason: str
    hash: str


class History(Told):
    """All changes of the live point of a bundle, oldest first, and whether each is what was written."""

    model: str
    bundle: str
    verified: bool
    problems: tuple[str, ...]
    changes: tuple[Recorded, ...]
