"""The service: two endpoints over two models, typed by their manifests.

Bundles are opened when this module is imported, since the types come from them; one that is not sound stops
the server before it listens.
"""

# BentoML ships no types of its own, and those of the messages are made at run time.
# mypy: disable-error-code="attr-defined, untyped-decorator, valid-type"

import gc
import os

import bentoml

from models.errors import FulcrumError
from serving import settings
from serving.documentation import Documented
from serving.doorway import Doorway
from serving.endpoint import Endpoint


class CannotServe(FulcrumError, ImportError):
    """Mend the setting or the bundle that is named: there is no service without it.

    An ImportError too, which `bentoml serve` tells in one line and ends.
    """


try:
    SETTINGS = settings.read(os.environ)
    SCREEN = Endpoint.open("screen", SETTINGS)
    PRESURGICAL = Endpoint.open("presurgical", SETTINGS)
except FulcrumError as error:
    raise CannotServe(str(error)) from error

ScreenRequest, ScreenReply = SCREEN.messages.request, SCREEN.messages.reply
PresurgicalRequest, PresurgicalReply = PRESURGICAL.messages.request, PRESURGICAL.messages.reply


@bentoml.service(name="fulcrum", service_class=Documented)
class Screening:
    """Screening at certified operating points."""

    def __init__(self) -> None:
        # What is loaded stays; a full collection would walk all of it and stop the answers for 60 ms.
        gc.collect()
        gc.freeze()

    @bentoml.api
    async def screen(self, request: ScreenRequest, /) -> ScreenReply:
        """Screen: who needs to be looked at further, missing as few of the sick as promised."""
        return SCREEN.answer(request)

    @bentoml.api
    async def presurgical(self, request: PresurgicalRequest, /) -> PresurgicalReply:
        """Check before surgery: who is surely sick, alarming as few of the healthy as promised."""
        return PRESURGICAL.answer(request)


Screening.add_asgi_middleware(Doorway, routes=frozenset(api.route for api in Screening.apis.values()))
