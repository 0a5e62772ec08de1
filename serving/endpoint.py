"""One model behind one address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Self

from models.bundle import MANIFEST, open_bundle
from models.errors import BadBundle
from models.inputs import Inputs
from models.scorer import RELEASED, Scorer, Scores
from models.turn import Setting, Turned
from serving.asker import ASKER
from serving.columnar import Columnar
from serving.edition import Edition
from serving.messages import Messages, Reply, Request
from serving.now import Now
from serving.off_loop import off_loop
from serving.settings import Settings
from serving.tally import TALLY

if TYPE_CHECKING:
    from serving.decisions.recorder import Recorder


class Endpoint:
    """A model, with the types in which it is asked and answers.

    `edition` is what is live; another one of the same contract takes its place by one assignment, and whoever was
    asked before answers to the end.
    """

    def __init__(
        self,
        scorer: Scorer,
        messages: Messages,
        columnar: Columnar | None,
        *,
        max_rows: int,
        recorder: Recorder | None = None,
    ) -> None:
        self.edition = Edition(scorer, messages, columnar)
        self.max_rows = max_rows
        self.recorder = recorder

    @property
    def scorer(self) -> Scorer:
        """Of the live edition."""
        return self.edition.scorer

    @property
    def messages(self) -> Messages:
        """Of the live edition."""
        return self.edition.messages

    @property
    def columnar(self) -> Columnar | None:
        """Of the live edition."""
        return self.edition.columnar

    @classmethod
    def open(cls, model: str, settings: Settings, recorder: Recorder | None = None) -> Self:
        """Open the bundle in the folder `model`; where decisions are recorded, nothing is answered before it is.

        Raises BadBundle if it is not sound, is not signed by whom the settings name, or holds another model: two
        exchanged folders would have the one answer for the other.
        """
        bundle = open_bundle(settings.bundles / model, signers=settings.signers)
        if bundle.manifest.model != model:
            raise BadBundle(
                f"{bundle.folder / MANIFEST}: model: should be {model}, as its folder, got {bundle.manifest.model}."
            )
        limits = {"max_rows": settings.most_rows(bundle.manifest.columns), "max_bytes": settings.max_bytes}
        name, image = model.capitalize(), bundle.manifest.columns.image
        messages = Messages.of(bundle, name=name, **limits)
        columnar = None if image else Columnar.of(messages, name=name, **limits)
        return cls(Scorer(bundle), messages, columnar, max_rows=limits["max_rows"], recorder=recorder)

    def answering(self, now: Now) -> Edition:
        """What answers at that version of the live point, whatever was swapped in meanwhile."""
        edition = self.edition
        if now.scorer is None or now.scorer is edition.scorer:
            return edition
        return edition.of(now.scorer)

    async def soon(self, request: Request, now: Now) -> Reply:
        """What `answer` answers; where there are photographs, others are answered meanwhile.

        Raises BadInput or Unreachable if a row or what is asked is refused, LogLost if it can not be recorded.
        """
        if self.scorer.columns.image is None:
            return self.answer(request, now)
        return await off_loop(self.answer, request, now)

    def answer(self, request: Request, now: Now) -> Reply:
        """Score the rows of a request at the point it asks for, or at the live one.

        Raises BadInput or Unreachable if a row or what is asked is refused, LogLost if it can not be recorded.
        """
        at, version = self.at(request.asked, now)
        edition, inputs = self.answering(now), request.encoded()
        scores = edition.scorer.score(inputs, at=at)
        by_column = edition.columnar if edition.columnar and isinstance(request, edition.columnar.request) else None
        reply = (by_column or edition.messages).answer(scores, version)
        self.record(edition, reply.id, inputs, scores, version)
        self.counted(scores)
        return reply

    def record(self, edition: Edition, name: str, inputs: Inputs, scores: Scores, version: int | None) -> None:
        """Record the answer of that name by an edition, to be called before it is sent.

        Raises LogLost if it can not be recorded: then it must not be sent.
        """
        if self.recorder is not None:
            verdicts = self.recorder.verdicts(edition.messages.bundle, inputs, scores, version)
            self.recorder.write([self.recorder.entry(self.name, name, ASKER.get(), [verdicts])])

    @property
    def name(self) -> str:
        """Of the model, and of its address."""
        return self.messages.bundle.manifest.model

    def counted(self, scores: Scores) -> Scores:
        """Scores, once what they decide is counted."""
        positive, negative = int(scores.positive.sum()), int(scores.negative.sum())
        self.count(positive, negative, len(scores) - positive - negative)
        return scores

    def count(self, positive: int, negative: int, indeterminate: int) -> None:
        """Count what was decided of some people."""
        for decision, rows in (("positive", positive), ("negative", negative), ("indeterminate", indeterminate)):
            if rows:
                TALLY.decided(self.name, decision, rows)

    def at(self, asked: Setting, now: Now) -> tuple[Turned, int | None]:
        """Where a request is answered, and the version of the live point, None where it asks for its own.

        A request that names a prevalence alone is answered at the live point, restated.

        Raises BadInput or Unreachable if what is asked means nothing.
        """
        if asked == RELEASED:
            return now.turned, now.version
        own = asked.operating_point is not None
        setting = asked if own else asked.model_copy(update={"operating_point": now.setting.operating_point})
        return self.answering(now).scorer.turn(setting), None if own else now.version


class Scorers(Mapping[str, Scorer]):
    """The live scorer of each endpoint, as it is when it is asked for."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints

    def __getitem__(self, name: str) -> Scorer:
        return self._endpoints[name].scorer

    def __iter__(self) -> Iterator[str]:
        return iter(self._endpoints)

    def __len__(self) -> int:
        return len(self._endpoints)
