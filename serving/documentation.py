"""What `/docs.json` says beyond the types of requests and replies: how a request is refused."""

from __future__ import annotations

from typing import Any

import attrs
import bentoml

from serving.refusals import STATUSES, Refused

# Pydantic writes JSON Schema of 2020, which OpenAPI takes from this version on.
OPENAPI = "3.1.0"
REFERENCE = "#/components/schemas/{model}"


class Documented(bentoml.Service[Any]):  # type: ignore[misc]  # BentoML's own types are not shipped
    """A service whose OpenAPI document names every refusal, with its status and body."""

    @property
    def openapi_spec(self) -> Any:
        """BentoML's document, with the refusals of this service in the place of BentoML's own."""
        document = super().openapi_spec
        for api in self.apis.values():
            post = document.paths[api.route].post
            post["responses"] = {200: post["responses"][200], **_refusals(), 500: post["responses"][500]}
        schemas = {**document.components["schemas"], **_bodies()}
        return attrs.evolve(document, openapi=OPENAPI, components={"schemas": schemas})


def _refusals() -> dict[int, Any]:
    body = {"schema": {"$ref": REFERENCE.format(model=Refused.__name__)}}
    return {
        int(status): {"description": kind.__doc__, "content": {"application/json": body}}
        for kind, status in STATUSES.items()
    }


def _bodies() -> dict[str, Any]:
    schema = Refused.model_json_schema(mode="serialization", ref_template=REFERENCE)
    return {**schema.pop("$defs"), Refused.__name__: schema}
