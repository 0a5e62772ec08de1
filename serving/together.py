"""Two models behind one address: the screen, then the pre-surgical model for those it does not clear."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import bentoml
from pydantic import BaseModel, ConfigDict, Field, create_model

from models.inputs import Inputs
from models.joint import PATHWAY, open_joint
from models.pathway import ANSWERS, Pathway, Pathways
from models.pathway_figures import PathwayFigures
from models.scorer import Scorer
from models.turn import Setting, Turned
from serving.asker import ASKER
from serving.edition import Edition
from serving.endpoint import Endpoint
from serving.live import Live
from serving.messages import Messages, Request, request_of
from serving.now import Now
from serving.off_loop import off_loop
from serving.points import AnsweredAt
from serving.settings import Settings
from serving.shelf import Shelf
from serving.tally import TALLY

# Pairs of bundles whose pathway is kept.
REMEMBERED = 8


class Step(BaseModel):
    """Which model answered, and where on its curve it worked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    bundle: str = Field(description="SHA-256 of its manifest")
    version: int = Field(description="of the live point that answered")
    prevalence: float = Field(description="share of sick people at which its probabilities are stated")
    operating_point: AnsweredAt


class PathwayReply(bentoml.IODescriptor, BaseModel):  # type: ignore[misc]  # BentoML's own types are not shipped
    """One of three answers a row, in the order of the request, and what stands behind them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    id: str = Field(description="name of this answer, which no other one has")
    screen: Step
    presurgical: Step
    measured: PathwayFigures | None = Field(
        description="what both do together, counted on the same people; null without joint evidence"
    )


@dataclass(frozen=True)
class Together:
    """The pathway of two endpoints, with the types in which it is asked and answers.

    `pathway` is that of the bundles it was opened with. Whatever was measured of two bundles holds for these two alone,
    so that each pair of live bundles has a pathway of its own.
    """

    PARTS: ClassVar[tuple[str, str]] = ("screen", "presurgical")

    pathway: Pathway
    endpoints: tuple[Endpoint, Endpoint]
    request: type[Request]
    reply: type[PathwayReply]
    shelf: Shelf
    pairs: dict[tuple[str, str], Pathway] = field(default_factory=dict)

    @classmethod
    def open(cls, screen: Endpoint, presurgical: Endpoint, settings: Settings) -> Self:
        """The pathway of two opened endpoints, with its joint evidence if it lies beside them.

        Raises BadBundle if the two are not of one disease, or the evidence is of other bundles.
        """
        first, second = screen.scorer, presurgical.scorer
        there = (settings.bundles / PATHWAY).exists()
        joint = open_joint(settings.bundles, first.bundle, second.bundle) if there else None
        pathway = Pathway(first, second, joint)
        return cls(
            pathway=pathway,
            endpoints=(screen, presurgical),
            request=request_of(
                pathway.columns,
                name="Pathway",
                max_rows=settings.most_rows(pathway.columns),
                max_bytes=settings.max_bytes,
                own_point=False,
            ),
            reply=_reply(screen.messages, presurgical.messages),
            shelf=Shelf(settings),
        )

    async def answer(self, request: Request, live: Live) -> PathwayReply:
        """Answer rows at both live points, restated at the prevalence of the request if it names one.

        Raises BadInput if a row or the prevalence is refused, LogLost if the answer can not be recorded.
        """
        asked = request.asked
        points = [await live.soon(name) for name in self.PARTS]
        editions = [endpoint.answering(now) for endpoint, now in zip(self.endpoints, points, strict=True)]
        scorers = editions[0].scorer, editions[1].scorer
        pathway = self._known(*scorers)
        if pathway is None:
            pathway = await off_loop(self._joined, *scorers)
        at = (_at(scorers[0], points[0], asked), _at(scorers[1], points[1], asked))
        encoded = pathway.parted(request.encoded())
        if pathway.columns.image is None:
            found = pathway.score(*encoded, at=at)
        else:
            found = await off_loop(pathway.score, *encoded, at=at)
        screen, presurgical = (
            edition.messages.answer(scores, now.version)
            for edition, scores, now in zip(editions, (found.screen, found.presurgical), points, strict=True)
        )
        rows = [
            {"answer": ANSWERS[answer], "screen": first, "presurgical": second}
            for answer, first, second in zip(
                found.answers.tolist(), vars(screen)["rows"], vars(presurgical)["rows"], strict=True
            )
        ]
        steps = {
            name: Step(**{field: getattr(reply, field) for field in Step.model_fields})
            for name, reply in zip(self.PARTS, (screen, presurgical), strict=True)
        }
        measured = pathway.measure(at[1].prevalence, at=at)
        reply = self.reply.model_validate({"id": screen.id, **steps, "measured": measured, "rows": rows})
        self._record(reply.id, editions, encoded, found, points)
        for answer, times in Counter(row["answer"] for row in rows).items():
            TALLY.decided("pathway", answer, times)
        return reply

    def _record(
        self, name: str, editions: list[Edition], encoded: tuple[Inputs, Inputs], found: Pathways, points: list[Now]
    ) -> None:
        recorder = self.endpoints[0].recorder
        if recorder is None:
            return
        verdicts = [
            recorder.verdicts(edition.messages.bundle, inputs, scores, now.version)
            for edition, inputs, scores, now in zip(
                editions, encoded, (found.screen, found.presurgical), points, strict=True
            )
        ]
        answers = [ANSWERS[answer] for answer in found.answers.tolist()]
        recorder.write([recorder.entry("pathway", name, ASKER.get(), verdicts, answers=answers)])

    def _known(self, screen: Scorer, presurgical: Scorer) -> Pathway | None:
        """The pathway of two scorers, if it was made before."""
        pathway = self.pairs.get((screen.bundle.digest, presurgical.bundle.digest), self.pathway)
        return pathway if pathway.screen is screen and pathway.presurgical is presurgical else None

    def _joined(self, screen: Scorer, presurgical: Scorer) -> Pathway:
        """The pathway of two scorers, with what was measured of just these two if that is at hand."""
        pathway = Pathway(screen, presurgical, self.shelf.evidence(screen.bundle, presurgical.bundle))
        if len(self.pairs) >= REMEMBERED:
            self.pairs.clear()
        self.pairs[screen.bundle.digest, presurgical.bundle.digest] = pathway
        return pathway


def _at(scorer: Scorer, now: Now, asked: Setting) -> Turned:
    if asked.prevalence is None:
        return now.turned
    return scorer.turn(now.setting.model_copy(update={"prevalence": asked.prevalence}))


def _reply(screen: Messages, presurgical: Messages) -> type[PathwayReply]:
    meaning = (
        "clear: the screen says negative; operate: it does not and the pre-surgical model says positive; refer:"
        " everybody else, whoever is undecided among them"
    )
    fields: dict[str, Any] = {
        "answer": (Literal["clear", "refer", "operate"], Field(description=meaning)),
        "screen": (screen.answer_type, Field(description="what the screen says")),
        "presurgical": (presurgical.answer_type, Field(description="what the pre-surgical model says")),
    }
    config = ConfigDict(frozen=True, extra="forbid")
    answer = create_model("PathwayAnswer", __config__=config, __doc__="The answer to one row.", **fields)
    rows: dict[str, Any] = {"rows": (list[answer], Field(description="one answer a row, in the order of the request"))}
    return create_model("PathwayReply", __base__=PathwayReply, __doc__=PathwayReply.__doc__, **rows)
