"""What an ONNX file may hold: the whole of the model, and only operators that every runtime brings along.

A file that names weights elsewhere is only as sound as that other file, which no digest covers. An operator of
somebody's own needs a library of machine code to run.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from google.protobuf.message import Message  # type: ignore[import-untyped]  # ships no types

from models.errors import Refusal, shown

# What our own export writes is all in the first of them, under its empty name.
STANDARD = ("", "ai.onnx", "ai.onnx.ml")
DOMAIN = "should be of the standard operators"


def reaching_out(model: onnx.ModelProto) -> list[Refusal]:
    """Whatever in a model lies outside the file or needs code from elsewhere, by its path; nothing if it holds all.

    Every part is looked at, whatever it is a part of: subgraphs, attributes, functions, sparse tensors.
    """
    return [refusal for path, part in _parts(model, "") for refusal in _against(path, part)]


def _parts(message: Message, path: str) -> Iterator[tuple[str, Message]]:
    yield path, message
    if isinstance(message, onnx.TensorProto):
        return
    for field, value in message.ListFields():
        inner = f"{path}.{field.name}" if path else str(field.name)
        if isinstance(value, Message):
            yield from _parts(value, inner)
        elif field.message_type is not None:
            for place, each in enumerate(value):
                yield from _parts(each, f"{inner}.{place}")


def _against(path: str, part: Message) -> Iterator[Refusal]:
    match part:
        case onnx.TensorProto():
            if part.data_location != onnx.TensorProto.DEFAULT or part.external_data:
                where = next((entry.value for entry in part.external_data if entry.key == "location"), "")
                yield Refusal(path, "should be inside the file", f"external data in {shown(where)}")
        case onnx.NodeProto() | onnx.OperatorSetIdProto():
            if part.domain not in STANDARD:
                yield Refusal(f"{path}.domain", DOMAIN, shown(part.domain))
        case onnx.FunctionProto():
            # One under a standard name would say anew what a standard operator does.
            yield Refusal(path, "should be plain operators", f"a function, {shown(part.name)}")
