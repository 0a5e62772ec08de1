"""The addresses of the Open Inference Protocol as OpenAPI describes them."""

from __future__ import annotations

from typing import Any

from models.turn import Setting
from serving.doorway import JSON
from serving.endpoint import Endpoint
from serving.inference.frame import Frame, Part, Tensor, Wanted
from serving.inference.reply import OCTETS, outputs
from serving.inference.request import ALL_BINARY, HEADER

OCTET_STREAM = {"schema": {"type": "string", "format": "binary"}}
OBJECT = {"schema": {"type": "object"}}
FIELDS: dict[str, dict[str, Any]] = {
    "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
    "datatype": {"type": "string"},
    "parameters": {"type": "object"},
    "data": {"type": "array", "items": {}},
}


def asked(name: str, endpoint: Endpoint) -> dict[str, Any]:
    """How a model is asked."""
    parameters = {field: {"description": about.description} for field, about in Setting.model_fields.items()}
    fields = {
        "id": {"type": "string"},
        "parameters": {"type": "object", "properties": {**parameters, ALL_BINARY: {"type": "boolean"}}},
        "inputs": _tensors(Tensor, list(endpoint.scorer.columns.asked)),
        "outputs": _tensors(Wanted, list(outputs(endpoint.scorer.manifest))),
    }
    return {
        "summary": f"{name}, asked with tensors: the Open Inference Protocol, version 2.",
        "description": "Tensors may come, and be answered, as bytes behind the JSON: then the header"
        f" `{HEADER}` says how long that is. The same is there under `versions/DIGEST`, as"
        " long as that is the digest of the live bundle.",
        "requestBody": {"required": True, "content": {JSON: {"schema": _closed(Frame, fields)}, OCTETS: OCTET_STREAM}},
        "responses": {
            200: {"description": "One tensor of answers an output.", "content": {JSON: OBJECT, OCTETS: OCTET_STREAM}}
        },
    }


def told(about: str) -> dict[str, Any]:
    """What is told to everybody."""
    return {"summary": about, "responses": {200: {"description": about, "content": {JSON: OBJECT}}}}


def _tensors(part: type[Part], names: list[str]) -> dict[str, Any]:
    """A list of tensors of these names."""
    return {"type": "array", "items": _closed(part, {"name": {"enum": names}, **FIELDS})}


def _closed(part: type[Part], fields: dict[str, Any]) -> dict[str, Any]:
    """A mapping that holds the fields of a part of a request, and nothing else."""
    required = [name for name, field in part.model_fields.items() if field.is_required()]
    properties = {name: fields[name] for name in part.model_fields}
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}
