"""The service: two models, typed by their manifests, their live operating points, and the page to turn them.

Bundles are opened when this module is imported, since the types come from them; one that is not sound stops
the server before it listens, and so does a store of changes that can not be opened.
"""

# BentoML ships no types of its own, and those of the messages are made at run time.
# mypy: disable-error-code="attr-defined, untyped-decorator, valid-type"

import gc
import os

import bentoml
from starlette.applications import Starlette
from starlette.responses import Response

from models.errors import FulcrumError
from serving import page, settings
from serving.access import Access
from serving.documentation import REFERENCE, Documented
from serving.doorway import JSON, Doorway
from serving.endpoint import Endpoint, Scorers
from serving.fast.hook import install
from serving.fast.routes import routes
from serving.fhir import Fhir
from serving.form import FORM
from serving.gate import Gate
from serving.inference.addresses import KINDS, Inference
from serving.leaving import Leaving
from serving.live import Live
from serving.messages import Reply, Request
from serving.oidc.issuer import trusted
from serving.operations import HANDLERS
from serving.recording import recorder_of
from serving.refusals import STATUSES, refuse
from serving.releasing import Releasing
from serving.security import Security
from serving.shelf import Shelf
from serving.swaps import Swaps
from serving.tables import FORMATS, Tables
from serving.together import Together
from serving.tuning import Store
from serving.turning import Turning


class CannotServe(FulcrumError, ImportError):
    """Mend the setting or the bundle that is named: there is no service without it.

    An ImportError too, which `bentoml serve` tells in one line and ends.
    """


try:
    SETTINGS = settings.read(os.environ)
    RECORDER = recorder_of(SETTINGS)
    ENDPOINTS = {name: Endpoint.open(name, SETTINGS, RECORDER) for name in ("screen", "presurgical")}
    TOGETHER = Together.open(ENDPOINTS["screen"], ENDPOINTS["presurgical"], SETTINGS)
    ACCESS = Access.read(SETTINGS.access, trusted(os.environ))
    STORE = Store(SETTINGS.store)
    SHELF = Shelf(SETTINGS)
    SWAPS = Swaps.begin(ENDPOINTS, STORE, SHELF)
except FulcrumError as error:
    raise CannotServe(str(error)) from error

GATE = Gate(ACCESS, rate=SETTINGS.rate)
LEAVING = Leaving(SETTINGS.drain_seconds)
LIVE = Live(STORE, Scorers(ENDPOINTS), SWAPS)
TABLES = Tables(ENDPOINTS, LIVE)
INFERENCE = Inference(ENDPOINTS, LIVE)
FHIR = Fhir(ENDPOINTS, LIVE)
TURNING = Turning(LIVE, GATE, max_bytes=SETTINGS.max_bytes)
RELEASING = Releasing(SWAPS, GATE, max_bytes=SETTINGS.max_bytes)
SCREEN, PRESURGICAL = ENDPOINTS["screen"], ENDPOINTS["presurgical"]
ScreenRequest, ScreenReply = SCREEN.messages.request, SCREEN.messages.reply
PathwayRequest, PathwayReply = TOGETHER.request, TOGETHER.reply
PresurgicalRequest, PresurgicalReply = PRESURGICAL.messages.request, PRESURGICAL.messages.reply


@bentoml.service(name="fulcrum", service_class=Documented)
class Screening:
    """Screening at certified operating points."""

    def __init__(self) -> None:
        # What is loaded stays; a full collection would walk all of it and stop the answers for 60 ms.
        gc.collect()
        gc.freeze()
        ACCESS.begin()

    @bentoml.on_startup
    async def watch(self) -> None:
        """Know of SIGTERM before the server does."""
        LEAVING.watch()

    async def __is_ready__(self) -> bool:  # BentoML's name for it
        return not LEAVING.begun

    @bentoml.on_shutdown
    def end(self) -> None:
        """Say where the log of decisions ends: a worker that is asked to end runs nothing of Python's own exit."""
        if RECORDER is not None:
            RECORDER.close()

    @bentoml.api
    async def screen(self, request: ScreenRequest, /) -> ScreenReply:
        """Screen: who needs to be looked at further, missing as few of the sick as promised."""
        return await _answer("screen", request)

    @bentoml.api
    async def presurgical(self, request: PresurgicalRequest, /) -> PresurgicalReply:
        """Check before surgery: who is surely sick, alarming as few of the healthy as promised."""
        return await _answer("presurgical", request)

    if SCREEN.columnar:
        ScreenColumns, ScreenColumnsReply = SCREEN.columnar.request, SCREEN.columnar.reply

        @bentoml.api(route="/screen/columns")
        async def screen_columns(self, request: ScreenColumns, /) -> ScreenColumnsReply:
            """Screen, asked and answered by column."""
            return await _answer("screen", request)

    if PRESURGICAL.columnar:
        PresurgicalColumns, PresurgicalColumnsReply = PRESURGICAL.columnar.request, PRESURGICAL.columnar.reply

        @bentoml.api(route="/presurgical/columns")
        async def presurgical_columns(self, request: PresurgicalColumns, /) -> PresurgicalColumnsReply:
            """Check before surgery, asked and answered by column."""
            return await _answer("presurgical", request)

    @bentoml.api
    async def pathway(self, request: PathwayRequest, /) -> PathwayReply:
        """Both models, one after the other: clear, refer or operate, with what that does measured jointly."""
        try:
            return await TOGETHER.answer(request, LIVE)
        except tuple(STATUSES) as error:
            return refuse(error)


async def _answer(name: str, request: Request) -> Reply | Response:
    try:
        return await ENDPOINTS[name].soon(request, await LIVE.soon(name))
    except tuple(STATUSES) as error:
        return refuse(error)


REQUESTS = {"/screen": ScreenRequest, "/presurgical": PresurgicalRequest, "/pathway": PathwayRequest}
FORMS = {route: request for route, request in REQUESTS.items() if request.columns.image}
install(
    routes(ENDPOINTS, LIVE, GATE, max_wait=SETTINGS.max_wait),
    seconds=SETTINGS.max_seconds,
    connections=SETTINGS.max_connections,
    leaving=LEAVING,
)
Screening.add_asgi_middleware(
    Doorway,
    gate=GATE,
    takes={api.route: (JSON, FORM) if api.route in FORMS else (JSON,) for api in Screening.apis.values()}
    | dict.fromkeys(TABLES.addresses, tuple(FORMATS))
    | dict.fromkeys(INFERENCE.addresses, KINDS)
    | FHIR.takes,
    names=INFERENCE.addresses,
    known_as=INFERENCE.known_as,
)
DOORS = [*page.routes(), *TURNING.routes, *RELEASING.routes, *TABLES.routes, *FHIR.routes, *INFERENCE.routes]
# Mounted applications are asked before BentoML's own page, which loads a tag manager from elsewhere.
Screening.mount_asgi_app(Starlette(routes=DOORS, exception_handlers=HANDLERS), path="/")
Screening.operations = (*TURNING.operations, *RELEASING.operations)
Screening.tables = TABLES.paths | FHIR.paths(REFERENCE) | INFERENCE.paths
Screening.schemas = FHIR.schemas(REFERENCE)
Screening.security = Security.of(ACCESS)
Screening.forms = FORMS
