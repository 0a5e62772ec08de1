"""The next version of a bundle: all that follows once its operating point is chosen anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import onnx
from pydantic import ValidationError

from models import graph, special
from models.bundle import Bundle
from models.calibration import shift
from models.change_control import ChangeControl
from models.conservative import least_to_spare
from models.contract import Contract
from models.curve import Curve
from models.errors import BadInput, Refusal, Unreachable
from models.graph import float32
from models.grouping import curves
from models.labelled import SiteRows
from models.likelihood_ratio import NotIdentified
from models.manifest import CrossFitted, Manifest, Part, Probe, Release
from models.operating_point import OperatingPoint
from models.probes import probe_inputs
from models.scorer import Graph
from models.subgroup import Subgroup

Ask = Callable[[Contract], tuple[Contract, ...]]


@dataclass(frozen=True)
class Version:
    """The next version of a bundle, not yet written, and what is to be said of it."""

    model: onnx.ModelProto
    manifest: Manifest
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Cases:
    """What points are chosen on: all cases at `prevalence`."""

    prevalence: float
    curve: Curve
    guide: Curve | None
    groups: tuple[Subgroup, ...]
    # How cases that taught were scored; a site's own did not teach.
    cross_fitted: CrossFitted | None = None


def next_version(
    bundle: Bundle,
    default: tuple[Contract, Cases, OperatingPoint],
    *,
    ask: Ask,
    release: tuple[str, str, SiteRows],
    parts: tuple[Part, ...],
) -> Version:
    """Everything that follows once the point is chosen."""
    old = bundle.manifest
    contract, cases, point = default
    site, reason, rows = release
    others, notes = _alternatives(old, cases, ask)
    control, outside = _control(old, cases, point)
    baked = graph.bake(
        onnx.load_model_from_string(bundle.graph),
        threshold=point.threshold,
        clear_below=point.clear_below,
        prevalence=float32(cases.prevalence),
    )
    version = old.version + 1
    history = Release(
        version=old.version,
        bundle=bundle.digest,
        site=site,
        reason=reason,
        threshold=old.point.threshold,
        clear_below=old.point.clear_below,
        prevalence=old.prevalence,
        promised=old.point.in_words,
    )
    data = {**old.provenance.data, f"version {version}: {rows.file}": rows.digest}
    fields = {
        **{name: getattr(old, name) for name in Manifest.model_fields},
        "version": version,
        "prevalence": cases.prevalence,
        "contract": contract,
        "points": (point, *others),
        "curve": cases.curve,
        "guide": cases.guide,
        "cross_fitted": cases.cross_fitted,
        "groups": cases.groups,
        "change_control": control,
        "history": (*old.history, history),
        "evidence": None,
        "probes": _probes(baked, old),
        "provenance": old.provenance.model_copy(update={"data": data, "parts": parts}),
    }
    unseen = "Nothing was measured on cases that nothing was chosen on: no such case is left."
    return Version(baked, Manifest(**fields), (unseen, *notes, *outside))


def _alternatives(old: Manifest, cases: Cases, ask: Ask) -> tuple[list[OperatingPoint], list[str]]:
    """The further points of a bundle certified again, and why some are not."""
    made, notes = [], []
    for point in old.points[1:]:
        try:
            points = [chosen(each, cases) for each in ask(_asked_for(old, point))]
        except (Unreachable, BadInput, NotIdentified) as error:
            notes.append(f"Left out: the point {point.name} ({point.in_words}). {error}")
        else:
            made.append(points[least_to_spare(points)].model_copy(update={"name": point.name}))
    return made, notes


def _asked_for(manifest: Manifest, point: OperatingPoint) -> Contract:
    """The contract of a further point: the study's, or what its one promise says.

    Raises BadInput if neither tells.
    """
    models = manifest.provenance.study.get("models", ())
    told = {each["name"]: each["contract"] for model in models for each in model.get("alternatives", ())}
    if point.name in told:
        with suppress(ValidationError):
            return Contract.model_validate(told[point.name])
    if len(point.certificates) > 1:
        rule = "promises several things, so the study that made the bundle should hold its contract"
        raise BadInput([Refusal(f"points.{point.name}", rule, "no contract")])
    return Contract.read(point.in_words)


def _control(old: Manifest, cases: Cases, point: OperatingPoint) -> tuple[ChangeControl | None, tuple[str, ...]]:
    """The changes foreseen, on the scale of the new prevalence, and why this change is none of them."""
    if old.change_control is None:
        return None, ()
    ends = np.array([old.change_control.lowest, old.change_control.highest])
    if cases.prevalence != old.prevalence:
        ends = special.expit(shift(special.logit(ends), prevalence=old.prevalence, to=cases.prevalence))
    control = old.change_control.model_copy(update={"lowest": float(ends[0]), "highest": float(ends[1])})
    against = control.against(
        cases.curve,
        threshold=point.threshold,
        clear_below=point.clear_below,
        prevalence=cases.prevalence,
        released_at=old.prevalence,
        groups=curves(cases.groups),
    )
    return control, tuple(f"Not among the changes that the bundle foresees: {reason}" for reason in against)


def _probes(baked: onnx.ModelProto, old: Manifest) -> tuple[Probe, ...]:
    """The same rows with the answers of the new version."""
    if not old.probes:
        return ()
    answers = Graph(graph.as_bytes(baked)).run(probe_inputs(old.columns, old.probes))
    return tuple(
        probe.model_copy(update={"probability": float(probability), "positive": bool(positive)})
        for probe, probability, positive in zip(old.probes, answers["probability"], answers["positive"], strict=True)
    )


def chosen(contract: Contract, cases: Cases) -> OperatingPoint:
    """The point of a contract on some cases.

    Raises Unreachable if they do not carry it, BadInput if a subgroup is not known.
    """
    return contract.choose(cases.curve, guide=cases.guide, groups=curves(cases.groups))


def restated_cases(manifest: Manifest, prevalence: float) -> Cases:
    """The certification cases of a bundle at another prevalence."""

    def moved(curve: Curve) -> Curve:
        return restated(curve, manifest.prevalence, prevalence)

    return Cases(
        prevalence,
        moved(manifest.curve),
        None if manifest.guide is None else moved(manifest.guide),
        tuple(group.model_copy(update={"curve": moved(group.curve)}) for group in manifest.groups),
        manifest.cross_fitted,
    )


def restated(curve: Curve, prevalence: float, to: float) -> Curve:
    """The cases of a curve, whose probabilities are stated at `prevalence`, as they read at another one.

    A graph may round the last bits of these probabilities otherwise; thresholds in the middle of the gaps between
    them do not care.
    """
    if prevalence == to:
        return curve.model_copy(update={"prevalence": to})
    logits = special.logit(np.array(curve.thresholds))
    moved = special.expit(shift(logits, prevalence=float32(prevalence), to=float32(to))).astype(np.float32)
    distinct, place = np.unique(moved, return_inverse=True)
    positives, negatives = (
        np.bincount(place, weights=counts).astype(int).tolist() for counts in (curve.positives, curve.negatives)
    )
    return Curve(
        thresholds=tuple(distinct.tolist()),
        positives=tuple(positives),
        negatives=tuple(negatives),
        prevalence=to,
    )
