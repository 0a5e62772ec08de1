"""Further bundles of a hand-made model, made cheaply: the same contract, other answers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from models import graph
from models.bundle import Bundle, write_bundle
from models.manifest import Manifest
from tests import handmade


@cache
def finished(model: str) -> tuple[onnx.ModelProto, Manifest]:
    return handmade.finished(model)


def released(folder: Path, *, model: str = "screen", shift: float = 0.0, **changes: object) -> Bundle:
    """Write a bundle to `folder` whose logits are higher by `shift`, with other fields in its manifest."""
    made, manifest = finished(model)
    moved = onnx.ModelProto()
    moved.CopyFrom(made)
    (bias,) = [tensor for tensor in moved.graph.initializer if tensor.name == "bias"]
    bias.CopyFrom(numpy_helper.from_array(np.array(handmade.BIAS + shift, dtype=np.float32), "bias"))
    return write_bundle(folder, model=moved, manifest=manifest.model_copy(update=changes), card="# Hand-made\n")


def tampered(folder: Path, **released_as: object) -> Bundle:
    """One whose graph lost a byte after it was written; it is found by its digest as before."""
    bundle = released(folder, **released_as)  # type: ignore[arg-type]  # passed on as they come
    (folder / "model.onnx").write_bytes(bundle.graph[:-1])
    return bundle


def of_another_contract(folder: Path) -> Bundle:
    """One whose column `age` ends earlier, and whose eyes are told otherwise."""
    made, manifest = finished("screen")
    age, *others, eye = handmade.SCHEMA.columns
    columns = (age.model_copy(update={"high": 110.0}), *others, eye.model_copy(update={"missing": "impute"}))
    other = manifest.model_copy(update={"columns": manifest.columns.model_copy(update={"columns": columns})})
    return write_bundle(folder, model=graph.bake(made), manifest=other, card="# Hand-made\n")
