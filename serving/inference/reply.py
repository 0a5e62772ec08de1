"""What a model says of some rows -> a reply of the Open Inference Protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from models.errors import BadBundle
from models.manifest import Manifest
from models.scorer import Scores
from serving.doorway import JSON
from serving.inference.datatypes import BOOL, BYTES, FP32, to_bytes
from serving.inference.request import HEADER, SIZE, Asked
from serving.messages import Messages, decided

OCTETS = "application/octet-stream"
# Of the operating point, what is a number or a word; all of it is told as text too.
POINT = ("threshold", "clear_below", "contract")
# What is said of who is neither, negative, positive; nobody is both.
WORDS: NDArray[Any] = np.array(
    [
        decided(positive=positive, negative=negative)["decision"]
        for positive, negative in ((False, False), (False, True), (True, False))
    ],
    dtype=object,
)


def outputs(manifest: Manifest) -> dict[str, str]:
    """The outputs of a model, and the datatype of each. Who is undecided is neither positive nor negative."""
    said = {"probability": FP32, "positive": BOOL, "negative": BOOL, "decision": BYTES}
    return said | {symptom.name: FP32 for symptom in manifest.symptoms}


def write(name: str, messages: Messages, asked: Asked, scores: Scores, version: int | None, *, answer: str) -> Response:
    """Scores as they are sent: each output in JSON, or as bytes behind it; `answer` is the id of the reply.

    A probability is exactly the number that was compared with the threshold. Raises BadBundle if a head answers with
    what is no number.
    """
    found = _values(messages, scores)
    kinds = outputs(messages.bundle.manifest)
    told, behind = [], []
    for output, binary in asked.outputs.items():
        values = found[output]
        tensor: dict[str, Any] = {"name": output, "shape": [len(scores)], "datatype": kinds[output]}
        if binary:
            behind.append(to_bytes(values))
            tensor["parameters"] = {SIZE: len(behind[-1])}
        else:
            tensor["data"] = values if isinstance(values, list) else values.tolist()
        told.append(tensor)
    parameters = _parameters(json.loads(messages.about(scores.at, version, answer)))
    head = json.dumps(
        {
            "model_name": name,
            "model_version": messages.bundle.digest,
            "id": parameters["id"] if asked.id is None else asked.id,
            "parameters": parameters,
            "outputs": told,
        },
        allow_nan=False,
    ).encode()
    headers = {HEADER: str(len(head))} if behind else {}
    return Response(b"".join((head, *behind)), headers=headers, media_type=OCTETS if behind else JSON)


def _values(messages: Messages, scores: Scores) -> dict[str, NDArray[Any] | list[str]]:
    for name, values in scores.symptoms.items():
        if not np.isfinite(values).all():
            raise BadBundle(f"{messages.bundle.name}: outputs.{name}: should be numbers, got one that is none.")
    words = WORDS[2 * scores.positive + scores.negative].tolist()
    said = {"probability": scores.probability, "positive": scores.positive, "negative": scores.negative}
    return {**said, "decision": words, **scores.symptoms}


def _parameters(about: Mapping[str, Any]) -> dict[str, Any]:
    """What a reply says beside its rows; the protocol has numbers and text there, so nothing that is null or nested."""
    point = about["operating_point"]
    flat = {**about, **{name: point[name] for name in POINT}, "operating_point": json.dumps(point)}
    return {name: value for name, value in flat.items() if value is not None}
