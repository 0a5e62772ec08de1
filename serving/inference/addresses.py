"""The Open Inference Protocol, version 2, over HTTP: the addresses under `/v2`.

Sources: https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md, and
https://github.com/triton-inference-server/server, docs/protocol/extension_binary_data.md.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.errors import BadInput, FulcrumError, Refusal
from models.scorer import Scores
from serving.doorway import JSON
from serving.edition import Edition
from serving.endpoint import Endpoint
from serving.inference import document
from serving.inference.metadata import of_model, of_server
from serving.inference.packed import unpack
from serving.inference.reply import OCTETS, outputs, write
from serving.inference.request import HEADER, in_parameters, read
from serving.live import Live
from serving.messages import body
from serving.now import Now
from serving.off_loop import off_loop
from serving.refusals import STATUSES, BadTensors, NoEndpoint, WrongMethod, refuse

HOME = "/v2"
VERSIONED = re.compile(f"({HOME}/models/[^/]+)/versions/([^/]+)(|/ready|/infer)")
KINDS = (JSON, OCTETS)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Told:
    """What is told at an address to everybody: `say` is given the live editions of `models`, if they can answer."""

    about: str
    say: Callable[[Mapping[str, Edition]], Mapping[str, Any]]
    models: tuple[str, ...] = ()


class Inference:
    """The models as the protocol asks them, each under the name of its endpoint.

    A model has one version, the digest of its live bundle: whoever names another one is answered by none.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint], live: Live) -> None:
        self._endpoints = endpoints
        self._live = live
        self._told = _told(endpoints)

    @property
    def addresses(self) -> dict[str, str]:
        """Where a model is asked, and which; with its version the same is `known_as` the address without."""
        return {f"{_address(name)}/infer": name for name in self._endpoints}

    @staticmethod
    def known_as(address: str) -> str:
        """An address without its version."""
        return VERSIONED.sub(r"\1\3", address) if VERSIONED.fullmatch(address) else address

    @property
    def routes(self) -> list[Route]:
        """The addresses as Starlette takes them, and last whatever else begins like them."""
        asked = [
            Route(each, self._ask(name), methods=["POST"])
            for address, name in self.addresses.items()
            for each in (address, _versioned(address))
        ]
        told = [
            Route(each, self._tell(what))
            for address, what in self._told.items()
            for each in ((address, _versioned(address)) if address.startswith(f"{HOME}/models/") else (address,))
        ]
        return [*asked, *told, Route(f"{HOME}/{{rest:path}}", self._elsewhere, methods=list(METHODS))]

    @property
    def paths(self) -> dict[str, Any]:
        """The addresses as OpenAPI describes them, but for those with a version."""
        told = {address: {"get": document.told(what.about)} for address, what in self._told.items()}
        asked = {
            address: {"post": document.asked(name, self._endpoints[name])} for address, name in self.addresses.items()
        }
        return told | asked

    def _ask(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        endpoint = self._endpoints[name]

        def answered(request: Request, sent: bytes, now: Now) -> tuple[Response, Scores]:
            edition = endpoint.answering(now)
            _check_version(request, edition)
            manifest, messages = edition.scorer.manifest, edition.messages
            unpacked = unpack(sent, request.headers.get("content-encoding", ""), messages.request.max_bytes)
            known, length = outputs(manifest), request.headers.get(HEADER)
            asked = read(manifest.columns, known, unpacked, length, max_rows=endpoint.max_rows)
            try:
                at, version = endpoint.at(asked.setting, now)
            except BadInput as error:
                raise in_parameters(error) from None
            scores = edition.scorer.score(asked.inputs, at=at)
            answer = messages.names.new()
            response = write(name, messages, asked, scores, version, answer=answer)
            endpoint.record(edition, answer, asked.inputs, scores, version)
            return response, scores

        async def ask(request: Request) -> Response:
            try:
                sent = await body(request, endpoint.messages.request.max_bytes)
                response, scores = await off_loop(answered, request, sent, await self._live.soon(name))
            except tuple(STATUSES) as error:
                return refuse(_as_the_protocol_has_it(error))
            endpoint.counted(scores)
            return response

        return ask

    def _tell(self, what: Told) -> Callable[[Request], Awaitable[Response]]:
        async def tell(request: Request) -> Response:
            try:
                # Bundles were verified before there was an address; the live point is looked for as a request does.
                live = {name: self._endpoints[name].answering(await self._live.soon(name)) for name in what.models}
                for edition in live.values():
                    _check_version(request, edition)
            except tuple(STATUSES) as error:
                return refuse(error)
            return JSONResponse(what.say(live))

        return tell

    async def _elsewhere(self, request: Request) -> Response:
        """An address that is not there, or a method that one does not answer to."""
        path = request.url.path
        if self.known_as(path) in self._told:
            response = refuse(WrongMethod([Refusal("method", "should be GET", request.method)]))
            response.headers["Allow"] = "GET, HEAD"
            return response
        known = ", ".join((*self._told, *self.addresses))
        return refuse(NoEndpoint([Refusal("address", f"should be one of {known}", path)]))


def _address(name: str) -> str:
    """Where a model is."""
    return f"{HOME}/models/{name}"


def _versioned(address: str) -> str:
    """The same with a version, which stands behind the name of the model."""
    name, slash, rest = address.removeprefix(f"{HOME}/models/").partition("/")
    return f"{_address(name)}/versions/{{version}}{slash}{rest}"


def _check_version(request: Request, edition: Edition) -> None:
    """Raises NoEndpoint if the address names another version than the one that answers."""
    version = request.path_params.get("version", edition.digest)
    if version != edition.digest:
        raise NoEndpoint([Refusal("version", f"should be {edition.digest}, the digest of the live bundle", version)])


def _told(endpoints: Mapping[str, Endpoint]) -> dict[str, Told]:
    told = {
        HOME: Told("The service, and its extensions of the Open Inference Protocol.", lambda _: of_server()),
        f"{HOME}/health/live": Told("Whether the service is there.", lambda _: {"live": True}),
        f"{HOME}/health/ready": Told(
            "Whether all models can answer.", lambda _: {"live": True, "ready": True}, tuple(endpoints)
        ),
    }
    for name in endpoints:
        told[_address(name)] = Told(f"The inputs and outputs of {name}.", partial(_described, name), (name,))
        told[f"{_address(name)}/ready"] = Told(f"Whether {name} can answer.", partial(_ready, name), (name,))
    return told


def _described(name: str, live: Mapping[str, Edition]) -> dict[str, Any]:
    return of_model(name, live[name].scorer)


def _ready(name: str, live: Mapping[str, Edition]) -> dict[str, Any]:
    del live
    return {"name": name, "ready": True}


def _as_the_protocol_has_it(error: FulcrumError) -> FulcrumError:
    """What breaks the contract is a bad request there (400)."""
    return BadTensors(error.refusals) if type(error) is BadInput else error
