"""One model behind one address."""

from __future__ import annotations

from typing import Self

from starlette.responses import Response

from models.bundle import MANIFEST, open_bundle
from models.errors import BadBundle
from models.scorer import Scorer
from serving.messages import Messages, Reply, Request
from serving.refusals import STATUSES, refuse
from serving.settings import Settings


class Endpoint:
    """A model, with the types in which it is asked and answers."""

    def __init__(self, scorer: Scorer, messages: Messages) -> None:
        self.scorer = scorer
        self.messages = messages

    @classmethod
    def open(cls, model: str, settings: Settings) -> Self:
        """Open the bundle in the folder `model`.

        Raises BadBundle if it is not sound, or holds another model: two exchanged folders would have the
        one answer for the other.
        """
        bundle = open_bundle(settings.bundles / model)
        if bundle.manifest.model != model:
            raise BadBundle(
                f"{bundle.folder / MANIFEST}: model: should be {model}, as its folder, got {bundle.manifest.model}."
            )
        limits = {"max_rows": settings.max_rows, "max_bytes": settings.max_bytes}
        return cls(Scorer(bundle), Messages.of(bundle, name=model.capitalize(), **limits))

    def answer(self, request: Request) -> Reply | Response:
        """Score the rows of a request, or say why not."""
        try:
            return self.messages.answer(self.scorer.score(request.encoded()))
        except tuple(STATUSES) as error:
            return refuse(error)
