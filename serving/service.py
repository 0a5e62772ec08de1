"""The service: two endpoints over two models, typed by their manifests.

Bundles are opened when this module is imported, since the types come from them; a bundle that is not sound
stops the server before it listens.
"""

import gc
import os

import bentoml
from starlette.responses import Response

from models.bundle import open_bundle
from models.scorer import Scorer
from serving import settings
from serving.documentation import Documented
from serving.doorway import Doorway
from serving.messages import Messages, Reply, Request
from serving.refusals import STATUSES, refuse

SETTINGS = settings.read(os.environ)


class Endpoint:
    """One model with the types in which it is asked and answers."""

    def __init__(self, model: str) -> None:
        bundle = open_bundle(SETTINGS.bundles / model)
        self.scorer = Scorer(bundle)
        self.messages = Messages.of(
            bundle, name=model.capitalize(), max_rows=SETTINGS.max_rows, max_bytes=SETTINGS.max_bytes
        )

    def answer(self, request: Request) -> Reply | Response:
        """Score the rows of a request, or say why not."""
        try:
            return self.messages.answer(self.scorer.score(request.encoded()))
        except tuple(STATUSES) as error:
            return refuse(error)


SCREEN, PRESURGICAL = Endpoint("screen"), Endpoint("presurgical")
ScreenRequest, ScreenReply = SCREEN.messages.request, SCREEN.messages.reply
PresurgicalRequest, PresurgicalReply = PRESURGICAL.messages.request, PRESURGICAL.messages.reply


@bentoml.service(name="fulcrum", service_class=Documented)
class Screening:
    """Screening at certified operating points."""

    def __init__(self) -> None:
        # What is loaded stays; without this a full collection walks all of it and stops the answers for 60 ms.
        gc.collect()
        gc.freeze()

    @bentoml.api
    async def screen(self, request: ScreenRequest, /) -> ScreenReply:  # type: ignore[valid-type]  # made at run time
        """Screen: who needs to be looked at further, missing as few of the sick as promised."""
        return SCREEN.answer(request)

    @bentoml.api
    async def presurgical(self, request: PresurgicalRequest, /) -> PresurgicalReply:  # type: ignore[valid-type]  # made at run time
        """Check before surgery: who is surely sick, alarming as few of the healthy as promised."""
        return PRESURGICAL.answer(request)


Screening.add_asgi_middleware(Doorway, routes=frozenset(api.route for api in Screening.apis.values()))
