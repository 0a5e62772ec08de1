"""What `/docs.json` says beyond the types of requests and replies: how a request is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import attrs
import bentoml
from pydantic.json_schema import models_json_schema

from models.rows import row_type
from models.turn import Setting
from models.value import Value
from serving.doorway import JSON
from serving.form import FORM, settings_of
from serving.messages import Request
from serving.operations import READERS, Operation
from serving.refusals import STATUSES, Refused
from serving.security import Security

# Pydantic writes JSON Schema of 2020, which OpenAPI takes from this version on.
OPENAPI = "3.1.0"
REFERENCE = "#/components/schemas/{model}"


class Documented(bentoml.Service[Any]):  # type: ignore[misc]  # BentoML's own types are not shipped
    """A service whose OpenAPI document names every refusal, with its status and body, and further operations."""

    operations: tuple[Operation, ...] = ()
    # What can be asked by a form too, by its address.
    forms: Mapping[str, type[Request]] = MappingProxyType({})
    # Addresses that are no methods, as OpenAPI describes them, without their refusals, and the types they name.
    tables: Mapping[str, Any] = MappingProxyType({})
    schemas: Mapping[str, Any] = MappingProxyType({})
    # How whoever asks says who they are.
    security: Security = Security()

    @property
    def openapi_spec(self) -> Any:
        """BentoML's document, with the refusals of this service in the place of BentoML's own."""
        document = super().openapi_spec
        for api in self.apis.values():
            post = document.paths[api.route].post
            # BentoML writes both out, and loses on the way that a value may be null.
            post["requestBody"]["content"][JSON] = _named(api.input_spec)
            post["responses"][200]["content"] = {JSON: _named(api.output_spec)}
            post["responses"] = {200: post["responses"][200], **_refusals(), 500: post["responses"][500]}
            post["security"] = self.security.to_look("predict")
            if api.route in self.forms:
                post["requestBody"]["content"][FORM] = form(self.forms[api.route])
        described, bodies = describe(self.operations, self.security)
        for path, verbs in self.tables.items():
            described[path] = {
                verb: {
                    **each,
                    "responses": _refused_besides(each["responses"]),
                    # To be told what there is takes no name, to be answered does.
                    **({"security": self.security.to_look("predict")} if verb == "post" else {}),
                }
                for verb, each in verbs.items()
            }
        # BentoML keeps the type of an address to itself.
        address = type(next(iter(document.paths.values())))
        return attrs.evolve(
            document,
            openapi=OPENAPI,
            paths={**document.paths, **{path: address(**verbs) for path, verbs in described.items()}},
            components={
                "schemas": {**self.schemas, **document.components["schemas"], **_bodies(), **bodies},
                "securitySchemes": {name: dict(scheme) for name, scheme in self.security.schemes.items()},
            },
        )


def _named(kind: type[Any]) -> dict[str, Any]:
    """A body of a type that stands among the components."""
    return {"schema": {"$ref": REFERENCE.format(model=kind.__name__)}}


def form(request: type[Request]) -> dict[str, Any]:
    """The form of one person as OpenAPI has it: but for the photograph, each field is text as in a CSV file."""
    schema, image = request.columns, request.columns.image
    assert image is not None
    described = row_type(schema).model_json_schema()["properties"]
    fields: dict[str, Any] = {
        name: {"type": "string", "description": described[name]["description"]} for name in schema.names
    }
    about = f"{image.meaning or image.name}; {image.rule}."
    fields[image.name] = {"type": "string", "format": "binary", "description": about}
    for name in settings_of(schema, own_point=request.own_point):
        fields[name] = {"type": "string", "description": Setting.model_fields[name].description}
    body = {"type": "object", "additionalProperties": False, "required": list(schema.asked), "properties": fields}
    return {"schema": body, "encoding": {image.name: {"contentType": "image/jpeg, image/png, application/dicom"}}}


def describe(
    operations: tuple[Operation, ...], security: Security = Documented.security
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Operations as OpenAPI paths, and the schemas they name."""
    kinds: list[tuple[type[Value], Literal["serialization", "validation"]]] = []
    for each in operations:
        kinds.append((each.reply, "serialization"))
        if each.request:
            kinds.append((each.request, "validation"))
    references, definitions = models_json_schema(kinds, ref_template=REFERENCE)
    paths: dict[str, Any] = {}
    for each in operations:
        body = {"schema": references[each.reply, "serialization"]}
        operation: dict[str, Any] = {
            "summary": each.summary,
            "parameters": [
                *[_parameter(name, "path", required=True) for name in re.findall(r"{(\w+)}", each.path)],
                *[_parameter(name, "query", required=required) for name, required in each.query],
            ],
            "responses": {200: {"description": each.summary, "content": {"application/json": body}}, **_refusals()},
        }
        if each.request:
            schema = references[each.request, "validation"]
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        if each.role or each.lookers == READERS:
            roles = " or ".join(f"`{role}`" for role in ((each.role,) if each.role else each.lookers))
            operation["description"] = f"Needs `Authorization: Bearer TOKEN` of somebody with the role {roles}."
        operation["security"] = security.to_change(each.role) if each.role else security.to_look(*each.lookers)
        paths.setdefault(each.path, {})[each.method.lower()] = operation
    return paths, definitions["$defs"]


def _parameter(name: str, where: str, *, required: bool) -> dict[str, Any]:
    kind = {"type": "string"} if where == "path" else {"type": "number"}
    return {"name": name, "in": where, "required": required, "schema": kind}


def _refused_besides(responses: Mapping[int, Any]) -> dict[int, Any]:
    """Responses, and every refusal: in JSON, and in whatever else is told of its status."""
    refused = _refusals()
    for status, each in refused.items():
        each["content"] |= responses.get(status, {"content": {}})["content"]
    return {**responses, **refused}


def _refusals() -> dict[int, Any]:
    body = {"schema": {"$ref": REFERENCE.format(model=Refused.__name__)}}
    texts: dict[int, list[str]] = {}
    for kind, status in STATUSES.items():
        texts.setdefault(int(status), []).append((kind.__doc__ or "").partition("\n")[0])
    return {
        status: {"description": " Or: ".join(said), "content": {"application/json": body}}
        for status, said in texts.items()
    }


def _bodies() -> dict[str, Any]:
    schema = Refused.model_json_schema(mode="serialization", ref_template=REFERENCE)
    return {**schema.pop("$defs"), Refused.__name__: schema}
