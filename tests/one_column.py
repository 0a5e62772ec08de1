"""A model whose only column is its raw logit: whatever a test feeds it, it is known what should come out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models import graph
from models.bundle import Bundle
from models.calibration import Calibration
from models.manifest import Manifest
from models.schema import Column, Numeric, Schema
from models.scorer import Scorer
from tests import handmade

COLUMN = Numeric(name="logit", low=-1000, high=1000)


def network(*between: str) -> onnx.ModelProto:
    """`raw.sick` is the first column, sent through the operators named in `between`, such as `Relu`."""
    names = ["first", *(f"step{place}" for place in range(len(between)))]
    nodes = [helper.make_node("Gather", ["columns", "zero"], ["first"], axis=1)]
    nodes += [helper.make_node(op, [names[place]], [names[place + 1]]) for place, op in enumerate(between)]
    nodes.append(helper.make_node("Identity", [names[-1]], ["raw.sick"]))
    made = helper.make_graph(
        nodes,
        "one_column",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, ["rows", "columns"])],
        [helper.make_tensor_value_info("raw.sick", TensorProto.FLOAT, ["rows"])],
        [numpy_helper.from_array(np.array(0, dtype=np.int64), "zero")],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def finished(
    *between: str,
    columns: tuple[Column, ...] = (COLUMN,),
    calibration: Calibration | None = None,
    prevalence: float | None = None,
    threshold: float = 0.5,
) -> onnx.ModelProto:
    """The same with calibration, prevalence and threshold; without any, logits come out as they went in."""
    calibration = calibration or Calibration(prevalence=0.5)
    made = graph.finish(
        network(*between),
        schema=Schema(columns=columns),
        target="sick",
        symptoms=[],
        calibration=calibration,
        prevalence=calibration.prevalence if prevalence is None else prevalence,
    )
    return graph.bake(made, threshold=threshold)


def scorer(
    *, threshold: float, prevalence: float = 0.5, reference: float | None = None, model: str = "screen"
) -> Scorer:
    """A scorer with any threshold, as if it had been certified for the contract of `model`."""
    manifest = _manifest(model)
    calibration = Calibration(prevalence=prevalence if reference is None else reference)
    made = finished(calibration=calibration, prevalence=prevalence, threshold=threshold)
    manifest = manifest.model_copy(
        update={
            "columns": Schema(columns=(COLUMN,)),
            "symptoms": (),
            "calibration": calibration,
            "prevalence": prevalence,
            "points": (manifest.point.model_copy(update={"threshold": threshold, "clear_below": threshold}),),
        }
    )
    return Scorer(Bundle(Path(), "", manifest, graph.as_bytes(made), ""))


def session(model: onnx.ModelProto | bytes) -> onnxruntime.InferenceSession:
    """Plain onnxruntime with its own settings: nothing of ours between file and answer."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    data = model if isinstance(model, bytes) else graph.as_bytes(model)
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def ask(model: onnx.ModelProto | bytes, columns: NDArray[np.float32], **settings: float) -> dict[str, NDArray[Any]]:
    """All outputs by name."""
    plain = session(model)
    names = [output.name for output in plain.get_outputs()]
    feed = {name: np.array([value], dtype=np.float32) for name, value in settings.items()}
    return dict(zip(names, plain.run(names, {"columns": columns, **feed}), strict=True))


@cache
def _manifest(model: str) -> Manifest:
    return handmade.finished(model)[1]
