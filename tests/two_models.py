"""Two models of one disease made by hand: the screen's logit is the column `a`, the pre-surgical one's is `b`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models import graph
from models.bundle import Bundle, write_bundle
from models.calibration import Calibration, Reliability
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Curve
from models.joint import Joint, Pairs
from models.manifest import Evidence, Manifest, Parity, Part, Provenance, Target
from models.operating_point import Measured
from models.schema import Column, Numeric, Schema
from models.scorer import Graph, Scorer
from models.turn import Turned

A, B = (Numeric(name=name, low=-20, high=20) for name in ("a", "b"))
CONTRACTS: dict[str, Contract] = {
    "screen": Recall(at_least=0.9),
    "presurgical": Precision(at_least=0.6, prevalence=0.3),
}
READS = {"screen": "a", "presurgical": "b"}
ROWS = {"certification": 1500, "test": 900}


def people(part: str, *, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Columns float32 [rows, 2], alike in one person, and who is sick [rows]; with ties."""
    random = np.random.default_rng([seed, ROWS[part]])
    sick = (random.random(ROWS[part]) < 0.3).astype(np.int64)
    shared = random.normal(size=ROWS[part])
    logits = [2.5 * sick - 1.5 + 0.8 * shared + 0.6 * random.normal(size=ROWS[part]) for _ in range(2)]
    return np.stack(logits, axis=1).round(1).astype(np.float32), sick


def bundle(
    folder: Path,
    model: str,
    *,
    columns: tuple[Column, ...] = (A, B),
    target: str = "sick",
    tested: bool = True,
) -> Bundle:
    """Write one of the two to `folder/two/<model>`, certified on the people of the certification part."""
    schema, contract = Schema(columns=columns), CONTRACTS[model]
    calibration = Calibration(prevalence=0.3)
    plain = graph.finish(
        _network(schema.names.index(READS[model])),
        schema=schema,
        target="sick",
        symptoms=[],
        calibration=calibration,
        prevalence=0.3,
    )
    runtime = Graph(graph.as_bytes(plain))
    curves = {}
    for part in ROWS:
        values, sick = people(part)
        taken = values[:, [("a", "b").index(column.name) for column in columns]]
        curves[part] = Curve.of(runtime.run(taken)["probability"], sick, prevalence=0.3)
    known = curves["certification"]
    point = contract.choose(known, guide=known)
    manifest = Manifest(
        study="two",
        model=model,
        columns=schema,
        target=Target(name=target),
        calibration=calibration,
        prevalence=0.3,
        contract=contract,
        points=(point,),
        curve=known,
        guide=known,
        evidence=_evidence(curves["test"]) if tested else None,
        parity=Parity(rows=0, largest_difference=0.0, tolerance=1e-4),
        probes=(),
        provenance=Provenance(study={}, data={}, parts=(), epochs=0, seed=0, versions={}),
    )
    made = graph.bake(plain, threshold=point.threshold)
    return write_bundle(folder / "two" / model, model=made, manifest=manifest, card="# Two\n")


def joint(screen: Bundle, presurgical: Bundle, *, tested: bool = True) -> Joint:
    """What the two do to the same people, whose columns both know."""

    def pairs(part: str) -> Pairs:
        values, sick = people(part)
        first, second = (Scorer(each).score(values).probability for each in (screen, presurgical))
        return Pairs.of(first, second, sick, part=part)

    return Joint(
        screen=screen.digest,
        presurgical=presurgical.digest,
        certification=pairs("certification"),
        test=pairs("test") if tested else None,
    )


def turned(threshold: float, clear_below: float | None = None, *, contract: str | None = None) -> Turned:
    """A point of which only the thresholds are asked, on the scale of the bundle."""
    own = (threshold, threshold if clear_below is None else clear_below)
    return Turned(None, 0.0, 0.0, 0.5, own, contract, ())  # type: ignore[arg-type]  # no manifest is looked at


def _network(column: int) -> onnx.ModelProto:
    made = helper.make_graph(
        [helper.make_node("Gather", ["columns", "place"], ["raw.sick"], axis=1)],
        "two",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["rows", "columns"])],
        [helper.make_tensor_value_info("raw.sick", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(np.array(column, dtype=np.int64), "place")],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _evidence(curve: Curve) -> Evidence:
    rows = curve.positive_count + curve.negative_count
    return Evidence(
        part=Part(name="test", rows=rows, positives=curve.positive_count),
        area_under_curve=0.9,
        area_interval=(0.8, 1.0),
        reliability=Reliability(
            rows=rows, positives=curve.positive_count, observed_over_expected=1.0, slope=1.0, intercept=0.0, brier=0.1
        ),
        measured=Measured.of(curve, 0.5),
        kept=True,
        curve=curve,
    )
