"""What the Open Inference Protocol tells of the service and of a model; no word of a patient is in it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from models.scorer import Scorer
from serving.inference.datatypes import takes
from serving.inference.reply import outputs

EXTENSIONS = ("binary_tensor_data", "parameters")
# What Triton calls the same kind of file.
PLATFORM = "onnxruntime_onnx"


def of_server() -> dict[str, Any]:
    """The service, and what it can do beyond the protocol."""
    try:
        release = version("fulcrum-screening")
    except PackageNotFoundError:
        # A bento carries the project as its source.
        release = "not installed"
    return {"name": "fulcrum", "version": release, "extensions": list(EXTENSIONS)}


def of_model(name: str, scorer: Scorer) -> dict[str, Any]:
    """A model: its bundle is its one version, each column an input, and what a cell must be a parameter of that."""
    bundle, schema = scorer.bundle, scorer.columns
    asked = [
        {
            "name": column,
            "datatype": takes(schema, column)[0],
            "shape": [-1],
            "parameters": {"rule": schema.rule(column), "datatypes": " ".join(takes(schema, column))},
        }
        for column in schema.asked
    ]
    answered = [{"name": output, "datatype": kind, "shape": [-1]} for output, kind in outputs(bundle.manifest).items()]
    return {"name": name, "versions": [bundle.digest], "platform": PLATFORM, "inputs": asked, "outputs": answered}
