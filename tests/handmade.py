"""A small bundle made by hand, without training: what a test needs to ask, serve and score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import polars as pl
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models import graph
from models.bundle import Bundle, write_bundle
from models.calibration import Calibration
from models.change_control import ChangeControl
from models.contract import Contract
from models.contracts.every_group import RecallInEveryGroup
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.contracts.rule_in_out import RuleInOut
from models.contracts.specificity import Specificity
from models.curve import Curve
from models.grouping import Grouping, curves, subgroups
from models.manifest import Manifest, Parity, Part, Provenance, Symptom, Target
from models.schema import Binary, Categorical, Numeric, Schema
from models.scorer import Graph
from models.subgroup import Subgroup

SCHEMA = Schema(
    columns=(
        Numeric(name="age", meaning="age at the visit", unit="years", low=0, high=120),
        Numeric(name="fluid", meaning="fluid in the retina", unit="um", low=0, high=900, missing="impute"),
        Binary(name="new_vessels", meaning="new vessels seen", missing="impute"),
        Categorical(name="eye", meaning="which eye", categories=("left", "right")),
    )
)
WEIGHTS = np.array([0.05, 0.01, 2.0, 0.1], dtype=np.float32)
BIAS = -6.0
CONTRACTS: dict[str, Contract] = {
    "screen": Recall(at_least=0.9),
    "presurgical": Precision(at_least=0.6, prevalence=0.2),
}
# Asked of a further model, which carries all that a bundle may: a zone, groups, other points and foreseen changes.
ZONED = RuleInOut(rule_in=Precision(at_least=0.6, prevalence=0.2), rule_out=Recall(at_least=0.9))
ALTERNATIVES: dict[str, Contract] = {
    "sharp": Specificity(at_least=0.95),
    "elsewhere": Precision(at_least=0.3, prevalence=0.05),
    "fair": RecallInEveryGroup(at_least=0.8, groups=("eye", "age=18 to under 65")),
}
GROUPINGS = (Grouping(column="eye"), Grouping(column="age", cuts=(18, 65)))
CHANGE_CONTROL = ChangeControl(lowest=0.001, highest=0.99, criteria=(Recall(at_least=0.8),), prevalences=(0.05, 0.4))


def rows(count: int, seed: int = 0, *, empty: bool = True) -> list[dict[str, object]]:
    """Valid rows, with ties, and with empty cells where the schema allows them."""
    random = np.random.default_rng(seed)
    return [
        {
            "age": float(random.integers(0, 121)),
            "fluid": None if empty and random.random() < 0.2 else round(float(random.uniform(0, 900)), 1),
            "new_vessels": None if empty and random.random() < 0.2 else bool(random.random() < 0.3),
            "eye": str(random.choice(["left", "right"])),
        }
        for _ in range(count)
    ]


def encoded(count: int, seed: int = 0) -> NDArray[np.float32]:
    """The same rows as the graph takes them."""
    nan = float("nan")
    return np.array(
        [
            [
                row["age"],
                nan if row["fluid"] is None else row["fluid"],
                nan if row["new_vessels"] is None else row["new_vessels"],
                ("left", "right").index(str(row["eye"])),
            ]
            for row in rows(count, seed)
        ],
        dtype=np.float32,
    )


def logits(columns: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the network of `network` answers, in numpy."""
    filled = np.where(np.isnan(columns), 0, columns).astype(np.float64)
    return filled @ WEIGHTS.astype(np.float64) + BIAS


def targets(columns: NDArray[np.float32], seed: int = 0) -> NDArray[np.int64]:
    """Who is sick, drawn with the network's own probabilities."""
    random = np.random.default_rng(seed)
    return (random.random(len(columns)) < 1 / (1 + np.exp(-logits(columns)))).astype(np.int64)


def network() -> onnx.ModelProto:
    """A linear network: empty cells as 0, `raw.sick` its logit, `raw.fluid_volume` a symptom head."""
    constants = {
        "zero": np.float32(0),
        "weights": WEIGHTS[:, None],
        "bias": np.float32(BIAS),
        "volume": np.array([[0], [0.002], [0], [0]], dtype=np.float32),
        "last": np.array([1], dtype=np.int64),
    }
    nodes = [
        helper.make_node("IsNaN", ["columns"], ["empty"]),
        helper.make_node("Where", ["empty", "zero", "columns"], ["filled"]),
        helper.make_node("MatMul", ["filled", "weights"], ["product"]),
        helper.make_node("Squeeze", ["product", "last"], ["squeezed"]),
        helper.make_node("Add", ["squeezed", "bias"], ["raw.sick"]),
        helper.make_node("MatMul", ["filled", "volume"], ["volumes"]),
        helper.make_node("Squeeze", ["volumes", "last"], ["raw.fluid_volume"]),
    ]
    made = helper.make_graph(
        nodes,
        "handmade",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["rows", len(WEIGHTS)])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows"]) for name in ("raw.sick", "raw.fluid_volume")],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def certification() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The 4,000 rows on which hand-made models are certified, and who of them is sick."""
    columns = encoded(4000, seed=1)
    return columns, targets(columns, seed=1)


def finished(model: str = "screen") -> tuple[onnx.ModelProto, Manifest]:
    """Graph and manifest of a hand-made model: of `screen`, `presurgical` or, with all there may be, `zoned`."""
    contract = {**CONTRACTS, "zoned": ZONED}[model]
    columns, sick = certification()
    calibration = Calibration(prevalence=float(sick.mean()))
    prevalence = contract.prevalence_named or calibration.prevalence
    plain = graph.finish(
        network(),
        schema=SCHEMA,
        target="sick",
        symptoms=["fluid_volume"],
        calibration=calibration,
        prevalence=prevalence,
    )
    runtime = Graph(graph.as_bytes(plain))
    curve = Curve.of(runtime.run(columns)["probability"], sick, prevalence=prevalence)
    others = encoded(2000, seed=2)
    guide = Curve.of(runtime.run(others)["probability"], targets(others, seed=2), prevalence=prevalence)
    groups: tuple[Subgroup, ...] = ()
    if model == "zoned":
        members = {each.column: each.members(SCHEMA, columns, pl.DataFrame()) for each in GROUPINGS}
        groups = subgroups(members, runtime.run(columns)["probability"], sick, prevalence=prevalence)
    asked = {"default": contract, **(ALTERNATIVES if model == "zoned" else {})}
    points = tuple(
        each.choose(curve, guide=guide, groups=curves(groups)).model_copy(update={"name": name})
        for name, each in asked.items()
    )
    manifest = Manifest(
        study="handmade",
        model=model,
        purpose="A test.",
        columns=SCHEMA,
        target=Target(name="sick", meaning="is sick"),
        symptoms=(Symptom(name="fluid_volume", meaning="volume of the fluid", unit="ml"),),
        calibration=calibration,
        prevalence=prevalence,
        contract=contract,
        points=points,
        curve=curve,
        guide=guide,
        groupings=GROUPINGS if model == "zoned" else (),
        groups=groups,
        change_control=CHANGE_CONTROL if model == "zoned" else None,
        parity=Parity(rows=4000, largest_difference=0.0, tolerance=1e-4),
        probes=(),
        provenance=Provenance(
            study={},
            data={},
            parts=(Part(name="certification", rows=4000, positives=int(sick.sum())),),
            epochs=0,
            seed=0,
            versions={},
        ),
    )
    return graph.bake(plain, threshold=points[0].threshold, clear_below=points[0].clear_below), manifest


def bundle(folder: Path, model: str = "screen") -> Bundle:
    """Write a hand-made bundle to `folder/handmade/<model>`."""
    made, manifest = finished(model)
    return write_bundle(folder / "handmade" / model, model=made, manifest=manifest, card="# Hand-made\n")
