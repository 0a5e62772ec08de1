"""The pipeline, top to bottom: load, split, fit, export, calibrate, certify, write."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import polars as pl
from numpy.typing import NDArray

from models import graph
from models.bundle import Bundle, write_bundle
from models.calibration import Calibration
from models.card import card
from models.comparison import Comparison
from models.curve import Curve
from models.errors import BadStudy
from models.generate import generate, generate_inputs
from models.grouping import curves, subgroups
from models.inputs import Inputs
from models.manifest import CrossFitted, Evidence, Manifest, Parity, Part, Provenance
from models.operating_point import OperatingPoint
from models.probes import make_probes
from models.scorer import Graph, Scorer
from models.subgroup import Subgroup
from training.data import Data
from training.evaluate import evaluate
from training.export import TOLERANCE, check_alone, check_parity, export
from training.fit import Epoch, Fitted
from training.labels import inputs, labels
from training.model import Model
from training.split import PARTS, group_places
from training.study import Study
from training.taught import taught
from training.undo import undo_all
from training.unseen import told, worse

PACKAGES = ("torch", "onnx", "onnxruntime", "numpy", "scipy", "polars")
PROBES, GENERATED = 16, 4096
# Photographs of each part that are compared one by one: each takes a thousand times as long as a row of numbers.
SEEN = 8


@dataclass(frozen=True)
class Made:
    """One finished model: its bundle, how its training went, and the certified score of each certification case."""

    bundle: Bundle
    fitted: Fitted
    certified: NDArray[np.float32]


@dataclass(frozen=True)
class Crossed:
    """Which copies of a network never see which rows of the training part, and which of these are certified on.

    `held` bool [rows, copies]; `places` int64 [certified], of the training part.
    """

    how: CrossFitted
    held: NDArray[np.bool_]
    places: NDArray[np.int64]


@dataclass(frozen=True)
class Loaded:
    """The parts of a study's data by name, with the digests of what was read, and how they are crossed, if they are."""

    parts: dict[str, Data]
    digests: dict[str, str]
    crossed: Crossed | None = None


def run(
    study: Study,
    model: Model,
    loaded: Loaded,
    out: Path,
    progress: Callable[[Epoch], None] = lambda _: None,
    *,
    comparison: Comparison | None = None,
) -> Made:
    """Train one model of a study and write its bundle to `out/<study>/<model>`, with a comparison if there is one.

    Raises Unreachable, and writes nothing, if the certification part does not carry the contract.
    """
    parts, head, crossed = loaded.parts, study.outcome.name, loaded.crossed
    seed = _seed(study, model)
    held = None if crossed is None else crossed.held
    fitted = taught(study, model, parts, seed=seed, held=held, progress=progress)
    raw = export(fitted.net, study.answers, study.columns)
    asked = _asked(study, parts, seed)
    largest = check_parity(fitted.net, raw, study.answers, asked)
    calibration = _calibration(model, head, parts, raw, fitted)
    prevalence = model.contract.prevalence_named or calibration.prevalence
    plain = graph.finish(
        raw,
        schema=study.columns,
        target=head,
        symptoms=study.heads[1:],
        calibration=calibration,
        prevalence=prevalence,
    )
    check_alone(plain, asked)
    runtime = Graph(graph.as_bytes(plain))
    # Thresholds come from what is served, not from training scores: the graph's own answers are counted.
    guiding, certifying = parts["validation"], parts["certification"]
    scored = runtime.run(certifying.inputs)["probability"]
    guide = None
    if crossed is None:
        guide = Curve.of(runtime.run(guiding.inputs)["probability"], guiding.labels[head], prevalence=prevalence)
    else:
        assert fitted.unseen is not None
        own = told(calibration, fitted.unseen[head][crossed.places], prevalence=prevalence)
        scored = worse(own, scored, certifying.labels[head])
    curve = Curve.of(scored, certifying.labels[head], prevalence=prevalence)
    known = subgroups(certifying.members, scored, certifying.labels[head], prevalence=prevalence)
    points = _points(model, curve, guide, known)
    decided = graph.bake(plain, threshold=points[0].threshold, clear_below=points[0].clear_below)
    manifest = Manifest(
        study=study.name,
        model=model.name,
        purpose=model.purpose,
        columns=study.columns,
        target=study.target,
        symptoms=study.symptom_heads,
        calibration=calibration,
        prevalence=prevalence,
        contract=model.contract,
        points=points,
        curve=curve,
        guide=guide,
        cross_fitted=crossed.how if crossed else None,
        groupings=study.groupings,
        groups=known,
        change_control=model.change_control,
        pulls=fitted.pulls,
        comparison=comparison,
        parity=Parity(rows=len(asked), largest_difference=largest, tolerance=TOLERANCE),
        probes=make_probes(Graph(graph.as_bytes(decided)), study.columns, PROBES, seed),
        provenance=_provenance(study, model, loaded, fitted),
    )
    manifest = manifest.model_copy(update={"evidence": _evidence(decided, manifest, parts["test"], head, seed)})
    folder = out / study.name / model.name
    bundle = write_bundle(folder, model=decided, manifest=manifest, card=card(manifest))
    return Made(bundle, fitted, scored)


def load(study: Study) -> Loaded:
    """Read and split a study's data.

    Raises NoData, BadInput or BadStudy naming what is wrong with it.
    """
    table = study.source.read()
    known = labels(study, table.rows)
    targets = known[study.outcome.name].astype(np.int64)
    rows = study.split.parts(table.rows, targets, study.seed)
    group = study.split.group
    parts = {}
    for name in PARTS:
        chosen = rows[name]
        needed = name != "test" and (name != "validation" or study.split.crossing is None)
        if (needed or len(chosen)) and len(np.unique(targets[chosen])) < 2:
            raise BadStudy(f"split: the {name} part should hold cases of both kinds, got {len(chosen)} cases of one.")
        part = table.rows[chosen]
        rows_of_part = inputs(study, part)
        columns = rows_of_part.columns
        parts[name] = Data(
            columns=columns,
            labels={head: label[chosen] for head, label in known.items()},
            groups=group_places(part, group) if group else None,
            image=rows_of_part.image,
            table=part,
            members={each.column: each.members(study.columns, columns, part) for each in study.groupings},
        )
    return Loaded(parts, dict(table.digests), _crossed(study, table.rows, targets, rows))


def _crossed(
    study: Study, table: pl.DataFrame, targets: NDArray[np.int64], rows: Mapping[str, NDArray[np.int64]]
) -> Crossed | None:
    held, crossing = study.split.held(table, targets, study.seed), study.split.crossing
    if held is None or crossing is None:
        return None
    places = np.searchsorted(rows["training"], rows["certification"])
    return Crossed(CrossFitted(folds=crossing.folds, repeats=crossing.repeats), held, places)


def _asked(study: Study, parts: dict[str, Data], seed: int) -> Inputs:
    """The rows on which network, file and single rows are compared: all there are, and generated ones."""
    if study.columns.image is None:
        generated = generate(study.columns, GENERATED, seed)
        there = [part.columns for name, part in parts.items() if name != "certification" or not study.split.crossing]
        return Inputs(np.concatenate([*there, generated]))
    rows = [*(part.inputs[:SEEN] for part in parts.values()), generate_inputs(study.columns, PROBES, seed)]
    images = [row.image for row in rows if row.image is not None]
    return Inputs(np.concatenate([row.columns for row in rows]), np.concatenate(images))


def _calibration(model: Model, head: str, parts: dict[str, Data], raw: onnx.ModelProto, fitted: Fitted) -> Calibration:
    """The undo of the training part's weights and rates, with the map fitted on the validation part.

    Where every row teaches, the map is fitted on what copies of the network say of rows they never saw.
    """
    targets = parts["training"].labels[head]
    try:
        made = undo_all(model, head, targets, (fitted.pull, *fitted.beside))
        if fitted.unseen is not None:
            return made.fit(fitted.unseen[head], targets)
        logits = Graph(graph.as_bytes(raw)).run(parts["validation"].inputs)[f"{graph.RAW}{head}"]
        return made.fit(logits, parts["validation"].labels[head])
    except ValueError as error:
        raise BadStudy(f"models.{model.name}: nothing was learnt that can be calibrated. {error}") from None


def _points(model: Model, curve: Curve, guide: Curve | None, known: tuple[Subgroup, ...]) -> tuple[OperatingPoint, ...]:
    """The point of the contract, then the alternatives; each is certified for itself."""
    asked = {"default": model.contract, **{each.name: each.contract for each in model.alternatives}}
    return tuple(
        contract.choose(curve, guide=guide, groups=curves(known)).model_copy(update={"name": name})
        for name, contract in asked.items()
    )


def _evidence(decided: onnx.ModelProto, manifest: Manifest, test: Data, head: str, seed: int) -> Evidence | None:
    """What the exported file does on the test part, if there is one; nobody sees the file before that is known."""
    if not len(test.columns):
        return None
    with tempfile.TemporaryDirectory() as folder:
        draft = write_bundle(Path(folder) / manifest.model, model=decided, manifest=manifest, card=card(manifest))
        return evaluate(
            Scorer(draft), test.inputs, test.labels[head], groups=test.groups, members=test.members, seed=seed
        )


def _provenance(study: Study, model: Model, loaded: Loaded, fitted: Fitted) -> Provenance:
    head = study.outcome.name
    return Provenance(
        # The other models of the study are not what made this one.
        study=study.model_copy(update={"models": (model,)}).model_dump(mode="json"),
        data=loaded.digests,
        parts=tuple(
            Part(name=name, rows=len(data.columns), positives=int(data.labels[head].sum()))
            for name, data in loaded.parts.items()
        ),
        epochs=fitted.kept.number,
        seed=study.seed,
        versions={name: version(name) for name in PACKAGES},
    )


def _seed(study: Study, model: Model) -> int:
    """A seed of the model's own, from the study's: two models do not start from the same weights."""
    digest = hashlib.sha256(f"{study.seed}/{study.name}/{model.name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31)
