"""One model behind one address."""

from __future__ import annotations

from typing import Self

from models.bundle import MANIFEST, open_bundle
from models.errors import BadBundle
from models.scorer import RELEASED, Scorer
from serving.live import Now
from serving.messages import Messages, Reply, Request
from serving.off_loop import off_loop
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
        limits = {"max_rows": settings.most_rows(bundle.manifest.columns), "max_bytes": settings.max_bytes}
        return cls(Scorer(bundle), Messages.of(bundle, name=model.capitalize(), **limits))

    async def soon(self, request: Request, now: Now) -> Reply:
        """What `answer` answers; where there are photographs, others are answered meanwhile.

        Raises BadInput or Unreachable if a row or what is asked is refused.
        """
        if self.scorer.columns.image is None:
            return self.answer(request, now)
        return await off_loop(self.answer, request, now)

    def answer(self, request: Request, now: Now) -> Reply:
        """Score the rows of a request at the point it asks for, or at the live one.

        A request that names a prevalence alone is answered at the live point, restated.

        Raises BadInput or Unreachable if a row or what is asked is refused.
        """
        asked = request.asked
        if asked == RELEASED:
            return self.messages.answer(self.scorer.score(request.encoded(), at=now.turned), now.version)
        own = asked.operating_point is not None
        setting = asked if own else asked.model_copy(update={"operating_point": now.setting.operating_point})
        scores = self.scorer.score(request.encoded(), at=self.scorer.turn(setting))
        return self.messages.answer(scores, None if own else now.version)
