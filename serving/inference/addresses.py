"""The Open Inference Protocol, version 2, over HTTP: the addresses under `/v2`.

Sources: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, and
https://github.com/triton-inference-server/server, docs/protocol/extension_binary_data.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import BadInput, FulcrumError, Refusal
from models.scorer import Scores
from serving.doorway import JSON
from serving.endpoint import Endpoint
from serving.inference import document
from serving.inference.metadata import of_model, of_server
from serving.inference.packed import unpack
from serving.inference.reply import OCTETS, outputs, write
from serving.inference.request import HEADER, in_parameters, read
from serving.live import Live, Now
from serving.messages import body
from serving.off_loop import off_loop
from serving.refusals import STATUSES, BadTensors, NoEndpoint, WrongMethod, refuse

HOME = "/v2"
KINDS = (JSON, OCTETS)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Told:
    """What is told at an address to everybody, as soon as the models of `ready` can answer."""

    about: str
    say: Mapping[str, Any]
    ready: tuple[str, ...] = ()


class Inference:
    """The models as the protocol asks them, each under the name of its endpoint; its version is its bundle's digest."""

    def __init__(self, endpoints: Mapping[str, Endpoint], live: Live) -> None:
        self._endpoints = endpoints
        self._live = live
        self._told = _told(endpoints)

    @property
    def addresses(self) -> dict[str, str]:
        """Where a model is asked, and which."""
        return {
            f"{address}/infer": name
            for name, endpoint in self._endpoints.items()
            for address in _addresses(name, endpoint)
        }

    @property
    def routes(self) -> list[Route]:
        """The addresses as Starlette takes them, and last whatever else begins like them."""
        asked = [Route(address, self._ask(name), methods=["POST"]) for address, name in self.addresses.items()]
        told = [Route(address, self._tell(what)) for address, what in self._told.items()]
        return [*asked, *told, Route(f"{HOME}/{{rest:path}}", self._elsewhere, methods=list(METHODS))]

    @property
    def paths(self) -> dict[str, Any]:
        """The addresses as OpenAPI describes them, but for those with a version."""
        told = {address: {"get": document.told(what.about)} for address, what in self._told.items()}
        asked = {
            address: {"post": document.asked(name, self._endpoints[name])} for address, name in self.addresses.items()
        }
        return {address: verbs for address, verbs in (told | asked).items() if "/versions/" not in address}

    def _ask(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        endpoint = self._endpoints[name]

        def answered(headers: Mapping[str, str], sent: bytes, now: Now) -> tuple[Response, Scores]:
            manifest, messages = endpoint.scorer.manifest, endpoint.messages
            unpacked = unpack(sent, headers.get("content-encoding", ""), messages.request.max_bytes)
            known, length = outputs(manifest), headers.get(HEADER)
            asked = read(manifest.columns, known, unpacked, length, max_rows=endpoint.max_rows)
            try:
                at, version = endpoint.at(asked.setting, now)
            except BadInput as error:
                raise in_parameters(error) from None
            scores = endpoint.scorer.score(asked.inputs, at=at)
            return write(name, messages, asked, scores, version), scores

        async def ask(request: Request) -> Response:
            try:
                sent = await body(request, endpoint.messages.request.max_bytes)
                response, scores = await off_loop(answered, request.headers, sent, await self._live.soon(name))
            except tuple(STATUSES) as error:
                return refuse(_as_the_protocol_has_it(error))
            endpoint.counted(scores)
            return response

        return ask

    def _tell(self, what: Told) -> Callable[[Request], Awaitable[Response]]:
        async def tell(request: Request) -> Response:
            del request
            try:
                # Bundles were verified before there was an address; the live point is looked for as a request does.
                for name in what.ready:
                    await self._live.soon(name)
            except tuple(STATUSES) as error:
                return refuse(error)
            return JSONResponse(what.say)

        return tell

    async def _elsewhere(self, request: Request) -> Response:
        """An address that is not there, or a method that one does not answer to."""
        path = request.url.path
        if path in self._told:
            response = refuse(WrongMethod([Refusal("method", "should be GET", request.method)]))
            response.headers["Allow"] = "GET, HEAD"
            return response
        known = ", ".join(address for address in (*self._told, *self.addresses) if "/versions/" not in address)
        return refuse(NoEndpoint([Refusal("address", f"should be one of {known}", path)]))


def _addresses(name: str, endpoint: Endpoint) -> tuple[str, str]:
    """Where a model is: without its version, and with it."""
    address = f"{HOME}/models/{name}"
    return address, f"{address}/versions/{endpoint.scorer.bundle.digest}"


def _told(endpoints: Mapping[str, Endpoint]) -> dict[str, Told]:
    told = {
        HOME: Told("The service, and its extensions of the Open Inference Protocol.", of_server()),
        f"{HOME}/health/live": Told("Whether the service is there.", {"live": True}),
        f"{HOME}/health/ready": Told(
            "Whether all models can answer.", {"live": True, "ready": True}, ready=tuple(endpoints)
        ),
    }
    for name, endpoint in endpoints.items():
        for address in _addresses(name, endpoint):
            told[address] = Told(f"The inputs and outputs of {name}.", of_model(name, endpoint))
            say = {"name": name, "ready": True}
            told[f"{address}/ready"] = Told(f"Whether {name} can answer.", say, ready=(name,))
    return told


def _as_the_protocol_has_it(error: FulcrumError) -> FulcrumError:
    """What breaks the contract is a bad request there (400)."""
    return BadTensors(error.refusals) if type(error) is BadInput else error
