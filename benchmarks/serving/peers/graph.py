"""What every peer loads: the same ONNX file in the same runtime, with one thread."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.serving.peers.fields import HOME, read

FIELDS, SYMPTOMS = read()
OUTPUTS = ["probability", "positive", *SYMPTOMS]


def session() -> onnxruntime.InferenceSession:
    """The graph of the screen."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    file = Path(os.environ[HOME]) / "screen" / "model.onnx"
    return onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])


def answers(loaded: onnxruntime.InferenceSession, rows: NDArray[np.float32]) -> list[tuple[Any, ...]]:
    """What the graph says of each row: probability, whether it is positive, and the symptoms."""
    found = loaded.run(OUTPUTS, {"columns": rows})
    return list(zip(*(values.tolist() for values in found), strict=True))


def encode(rows: Sequence[Sequence[Any]]) -> NDArray[np.float32]:
    """Cells as they came, by row, float32 [rows, columns]."""
    (place,) = (place for place, field in enumerate(FIELDS) if field.kinds)
    numbers = {kind: float(number) for number, kind in enumerate(FIELDS[place].kinds)}
    return np.array([(*row[:place], numbers[row[place]], *row[place + 1 :]) for row in rows], dtype=np.float32)
