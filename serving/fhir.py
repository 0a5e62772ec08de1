"""The addresses that answer in FHIR R4: `/screen/fhir`, asked as `/screen` is, with a subject a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models.errors import BadInput
from serving import assessment
from serving.endpoint import Endpoint
from serving.live import Live
from serving.messages import body
from serving.now import Now
from serving.off_loop import off_loop
from serving.outcome import FHIR, refuse_in_fhir
from serving.refusals import STATUSES, NotJson, TooLarge
from serving.subjects import SubjectsRequest, schemas, subjects_request
from serving.tuning import StoreLost

JSON = "application/json"
# What is answered here with an OperationOutcome; what is refused before a request is read is answered in JSON.
OUTCOMES = (NotJson, TooLarge, BadInput, StoreLost)
# A Decimal is written as the number that it is, digit by digit.
ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True)
class Door:
    """A model behind its address."""

    name: str
    endpoint: Endpoint
    request: type[SubjectsRequest]

    @property
    def address(self) -> str:
        """Where it is."""
        return f"/{self.name}/fhir"

    def answer(self, sent: bytes, now: Now) -> bytes:
        """A body, answered by what answers JSON, in the words of FHIR.

        Raises NotJson, TooLarge, BadInput or Unreachable if a row or what is asked is refused.
        """
        request = self.request.read(sent)
        reply = self.endpoint.answer(request, now)
        manifest = self.endpoint.answering(now).scorer.manifest
        return ENCODER.encode(assessment.bundle(reply, request.references, manifest))


class Fhir:
    """The addresses at which models answer in FHIR."""

    def __init__(self, endpoints: Mapping[str, Endpoint], live: Live) -> None:
        self._live = live
        self._doors = [
            Door(name, endpoint, subjects_request(endpoint.messages.request, name=name.capitalize()))
            for name, endpoint in endpoints.items()
        ]

    @property
    def takes(self) -> dict[str, tuple[str, ...]]:
        """The addresses, and the content types that each takes."""
        return {door.address: (JSON, FHIR) for door in self._doors}

    @property
    def routes(self) -> list[Route]:
        """The addresses as Starlette takes them."""
        return [Route(door.address, self._asked(door), methods=["POST"]) for door in self._doors]

    def schemas(self, template: str) -> dict[str, Any]:
        """The types of the requests, each under its name."""
        return {name: each for door in self._doors for name, each in schemas(door.request, template).items()}

    def paths(self, template: str) -> dict[str, Any]:
        """The addresses as OpenAPI describes them."""
        content = {FHIR: {"schema": {"type": "object"}}}
        return {
            door.address: {
                "post": {
                    "summary": f"{door.name}, answered as a FHIR R4 Bundle with one RiskAssessment a row.",
                    "description": "The Bundle is a collection in the order of the rows; a refusal of what was sent is"
                    " an OperationOutcome.",
                    "requestBody": {
                        "required": True,
                        "content": {
                            kind: {"schema": {"$ref": template.format(model=door.request.__name__)}}
                            for kind in (JSON, FHIR)
                        },
                    },
                    "responses": {
                        200: {"description": "A Bundle of type collection.", "content": content},
                        **{int(STATUSES[kind]): {"content": content} for kind in OUTCOMES},
                    },
                }
            }
            for door in self._doors
        }

    def _asked(self, door: Door) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            try:
                sent = await body(request, door.request.max_bytes)
                now = await self._live.soon(door.name)
                return Response(await off_loop(door.answer, sent, now), media_type=FHIR)
            except tuple(STATUSES) as error:
                return refuse_in_fhir(error)

        return answer
