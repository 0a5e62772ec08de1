"""A small bundle that looks at a photograph, made by hand: the mean of its red says how likely somebody is sick."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models import graph
from models.bundle import Bundle, write_bundle
from models.calibration import Calibration
from models.contract import Contract
from models.contracts.precision import Precision
from models.contracts.recall import Recall
from models.curve import Curve
from models.generate import generate_inputs
from models.image import Image
from models.inputs import Inputs
from models.manifest import Manifest, Parity, Part, Provenance, Symptom, Target
from models.probes import make_probes
from models.schema import Categorical, Numeric, Schema
from models.scorer import Graph

IMAGE = Image(name="photograph", meaning="photograph of the back of the eye", height=48, width=40, crop="disc")
SCHEMA = Schema(
    columns=(
        Numeric(name="age", meaning="age at the visit", unit="years", low=0, high=120, missing="impute"),
        Categorical(name="eye", meaning="which eye", categories=("left", "right")),
    ),
    image=IMAGE,
)
SYMPTOMS = (
    Symptom(name="greenness", meaning="how green the photograph is", unit="of 255"),
    Symptom(name="redness", meaning="that it is red", scale="probability"),
    Symptom(name="blueness", meaning="its grade of blue", scale="grade", highest=5.0),
)
RED, AGE, BIAS = 0.06, 0.02, -7.5
CONTRACTS: dict[str, Contract] = {
    "screen": Recall(at_least=0.9),
    "presurgical": Precision(at_least=0.6, prevalence=0.2),
}


def logits(rows: Inputs) -> NDArray[np.float64]:
    """What the network answers, in numpy."""
    assert rows.image is not None
    age = np.nan_to_num(rows.columns[:, 0].astype(np.float64))
    return RED * rows.image[..., 0].mean(axis=(1, 2), dtype=np.float64) + AGE * age + BIAS


def network() -> onnx.ModelProto:
    """`raw.sick` from red and age; as symptom heads the means of green, of red as a share, and of blue as a grade."""
    constants = {
        "zero": np.float32(0),
        "age_weight": np.array([[AGE], [0]], dtype=np.float32),
        "colours": np.array([[RED, 0, 1 / 255, 0], [0, 1, 0, 0], [0, 0, 0, 5 / 255]], dtype=np.float32),
        "bias": np.array([BIAS, 0, 0, 0], dtype=np.float32),
        "pixels": np.array([1, 2], dtype=np.int64),
        **{f"place_{place}": np.array(place, dtype=np.int64) for place in range(4)},
        "last": np.array([1], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["bright"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["bright", "pixels"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "colours"], ["seen"]),
        helper.make_node("Add", ["seen", "bias"], ["heads"]),
        helper.make_node("IsNaN", ["columns"], ["empty"]),
        helper.make_node("Where", ["empty", "zero", "columns"], ["filled"]),
        helper.make_node("MatMul", ["filled", "age_weight"], ["aged"]),
        helper.make_node("Squeeze", ["aged", "last"], ["age_logit"]),
        helper.make_node("Gather", ["heads", "place_0"], ["red_logit"], axis=1),
        helper.make_node("Add", ["red_logit", "age_logit"], ["raw.sick"]),
        *(
            helper.make_node("Gather", ["heads", f"place_{place}"], [f"raw.{symptom.name}"], axis=1)
            for place, symptom in enumerate(SYMPTOMS, start=1)
        ),
    ]
    made = helper.make_graph(
        nodes,
        "seeing",
        [
            helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["rows", 2]),
            helper.make_tensor_value_info("image", TensorProto.UINT8, ["rows", *IMAGE.shape]),
        ],
        [
            helper.make_tensor_value_info(f"raw.{name}", TensorProto.FLOAT, ["rows"])
            for name in ("sick", *(symptom.name for symptom in SYMPTOMS))
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@cache
def finished(model: str = "screen") -> tuple[onnx.ModelProto, Manifest]:
    """Graph and manifest of `screen` or `presurgical`."""
    contract = CONTRACTS[model]
    rows, others = generate_inputs(SCHEMA, 1500, seed=1), generate_inputs(SCHEMA, 1000, seed=10_000)
    sick, sick_others = (
        (np.random.default_rng(0).random(len(each)) < 1 / (1 + np.exp(-logits(each)))).astype(np.int64)
        for each in (rows, others)
    )
    calibration = Calibration(prevalence=float(sick.mean()))
    prevalence = contract.prevalence_named or calibration.prevalence
    plain = graph.finish(
        network(),
        schema=SCHEMA,
        target="sick",
        symptoms=[symptom.name for symptom in SYMPTOMS],
        calibration=calibration,
        prevalence=prevalence,
    )
    runtime = Graph(graph.as_bytes(plain))
    curve = Curve.of(runtime.run(rows)["probability"], sick, prevalence=prevalence)
    guide = Curve.of(runtime.run(others)["probability"], sick_others, prevalence=prevalence)
    point = contract.choose(curve, guide=guide).model_copy(update={"name": "default"})
    decided = graph.bake(plain, threshold=point.threshold, clear_below=point.clear_below)
    manifest = Manifest(
        study="seeing",
        model=model,
        purpose="A test.",
        columns=SCHEMA,
        target=Target(name="sick", meaning="is sick"),
        symptoms=SYMPTOMS,
        calibration=calibration,
        prevalence=prevalence,
        contract=contract,
        points=(point,),
        curve=curve,
        guide=guide,
        parity=Parity(rows=1500, largest_difference=0.0, tolerance=1e-4),
        probes=make_probes(Graph(graph.as_bytes(decided)), SCHEMA, 6, seed=3),
        provenance=Provenance(
            study={},
            data={},
            parts=(Part(name="certification", rows=1500, positives=int(sick.sum())),),
            epochs=0,
            seed=0,
            versions={},
        ),
    )
    return decided, manifest


def bundle(folder: Path, model: str = "screen") -> Bundle:
    """Write the bundle to `folder/seeing/<model>`."""
    made, manifest = finished(model)
    return write_bundle(folder / "seeing" / model, model=made, manifest=manifest, card="# Hand-made\n")
