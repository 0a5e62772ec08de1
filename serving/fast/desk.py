"""One model asked over and over: its requests of one turn of the event loop share one inference."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import FulcrumError
from models.inputs import Inputs
from models.scorer import RELEASED
from models.turn import Setting
from serving.asker import NOBODY, Asker
from serving.endpoint import Endpoint
from serving.fast.reader import Reader
from serving.fast.writer import NEGATIVE, POSITIVE, UNDECIDED, Texts, Writer
from serving.live import Live
from serving.messages import Request
from serving.now import Now
from serving.refusals import STATUSES, Answer, TooBusy, lost, refusal
from serving.tally import TALLY

if TYPE_CHECKING:
    from serving.decisions.line import Entry

NEWEST = 0.1
logger = logging.getLogger(__name__)


class Way(NamedTuple):
    """A form in which a model is asked and answers: read plainly, or else in full, and written."""

    reader: Reader
    request: type[Request]
    writer: Writer

    def read(self, body: bytes) -> tuple[NDArray[np.float32], Setting]:
        """The people, float32 [rows, columns], and what is asked.

        Raises NotJson, TooLarge or BadInput naming each value that breaks the contract.
        """
        plain = self.reader.read(body)
        if plain is not None:
            return plain
        request = self.request.read(body)
        return request.encoded().columns, request.asked


class Waiting(NamedTuple):
    """A request that was read: its rows, float32 [rows, columns], what it asks, who is told, and since when."""

    columns: NDArray[np.float32]
    asked: Setting
    writer: Writer
    tell: Callable[[Answer], None]
    asker: Asker
    begun: float


@dataclass
class Turn:
    """What is decided in one turn of the event loop, told when all of it is recorded."""

    told: list[tuple[Waiting, bytes]] = field(default_factory=list)
    decided: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class Desk:
    """Answers the JSON requests to one model of a table, at its live point.

    Who would have to wait longer than `max_wait` seconds for those who came before, as long as these took so far, is
    told to come again: those who are let in keep their time.
    """

    def __init__(self, name: str, endpoint: Endpoint, live: Live, *, max_wait: float) -> None:
        self.name = name
        self.max_wait = max_wait
        self._rows_waiting = 0
        self._seconds_reading = 0.0
        self._seconds_a_row = 0.0
        self._endpoint = endpoint
        self._live = live
        self._waiting: list[Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, way: Way, body: bytes, tell: Callable[[Answer], None], asker: Asker = NOBODY) -> None:
        """Answer a body: a refused one at once, others at the end of this turn of the event loop.

        What arrives in the same turn is scored in one call; nobody waits for others to arrive.
        """
        begun = perf_counter()
        try:
            if self._rows_waiting * self._seconds_a_row > self.max_wait:
                raise TooBusy(f"{self.name}: should be asked less at once, got {self._rows_waiting} rows that wait.")
            columns, asked = way.read(body)
        except tuple(STATUSES) as error:
            answer = refusal(error)
            TALLY.answered(self.name, answer.status, perf_counter() - begun)
            tell(answer)
            return
        self._seconds_reading += perf_counter() - begun
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        self._rows_waiting += len(columns)
        self._waiting.append(Waiting(columns, asked, way.writer, tell, asker, begun))

    def _answer(self) -> None:
        waiting, self._waiting, self._rows_waiting = self._waiting, [], 0
        if self._live.store.local:
            try:
                now = self._live.now(self.name)
            except Exception as error:  # noqa: BLE001  # whatever it is, those who wait are told
                self._tell_all(waiting, self._why(error))
            else:
                self._answer_at(now, waiting)
            return
        task = asyncio.get_running_loop().create_task(self._answer_soon(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_soon(self, waiting: list[Waiting]) -> None:
        """`_answer` where a server keeps the changes, which is asked once for all that wait."""
        try:
            now = await self._live.soon(self.name)
        except Exception as error:  # noqa: BLE001  # the same
            self._tell_all(waiting, self._why(error))
        else:
            self._answer_at(now, waiting)

    def _answer_at(self, now: Now, waiting: list[Waiting]) -> None:
        """Those who ask the same are scored together."""
        begun, rows = perf_counter() - self._seconds_reading, sum(len(each.columns) for each in waiting)
        self._seconds_reading = 0.0
        turn = Turn()
        for asked, group in _alike(waiting).items():
            self._answer_alike(now, asked, group, turn)
        self._record_and_tell(turn)
        # To be read and to be answered; of the last turns, the newest counts most.
        self._seconds_a_row += NEWEST * ((perf_counter() - begun) / rows - self._seconds_a_row)

    def _answer_alike(self, now: Now, asked: Setting, group: list[Waiting], turn: Turn) -> None:
        try:
            at, version = self._endpoint.at(asked, now)
            columns = group[0].columns if len(group) == 1 else np.concatenate([each.columns for each in group])
            inputs, edition = Inputs(columns), self._endpoint.answering(now)
            scores, messages = edition.scorer.score(inputs, at=at), edition.messages
            texts = Texts.of(scores, messages.bundle.name)
            recorder = self._endpoint.recorder
            verdicts = None if recorder is None else recorder.verdicts(messages.bundle, inputs, scores, version)
            told, entries, first = [], [], 0
            for each in group:
                rows, name = slice(first, first + len(each.columns)), messages.names.new()
                told.append((each, each.writer.reply(texts, rows, at, version, messages, name=name)))
                if recorder is not None and verdicts is not None:
                    entries.append(recorder.entry(self.name, name, each.asker, [verdicts], rows=rows))
                first = rows.stop
        except Exception as error:  # noqa: BLE001  # the same
            if len(group) == 1 or not isinstance(error, tuple(STATUSES)):
                self._tell_all(group, self._why(error))
                return
            # One of them is at fault, and the others should not hear of it.
            for each in group:
                self._answer_alike(now, asked, [each], turn)
        else:
            turn.told += told
            turn.decided += texts.decided
            turn.entries += entries

    def _record_and_tell(self, turn: Turn) -> None:
        """With one write for all; where they can not be recorded, nobody is told what was decided."""
        if not turn.told:
            return
        try:
            if turn.entries and self._endpoint.recorder is not None:
                self._endpoint.recorder.write(turn.entries)
        except Exception as error:  # noqa: BLE001  # the same
            self._tell_all([each for each, _ in turn.told], self._why(error))
            return
        self._endpoint.count(*map(turn.decided.count, (POSITIVE, NEGATIVE, UNDECIDED)))
        now = perf_counter()
        TALLY.answered(self.name, 200, *[now - each.begun for each, _ in turn.told])
        for each, reply in turn.told:
            each.tell(Answer(200, reply))

    def _tell_all(self, waiting: list[Waiting], answer: Answer) -> None:
        now = perf_counter()
        TALLY.answered(self.name, answer.status, *[now - each.begun for each in waiting])
        for each in waiting:
            each.tell(answer)

    def _why(self, error: Exception) -> Answer:
        """An error as it is answered; one that nobody foresaw stands in the log."""
        if isinstance(error, FulcrumError) and isinstance(error, tuple(STATUSES)):
            return refusal(error)
        logger.error("%s: could not answer", self.name, exc_info=error)
        return lost()


def _alike(waiting: list[Waiting]) -> dict[Setting, list[Waiting]]:
    """Requests by what they ask; to compare settings takes longer than to see that nearly all ask for nothing."""
    found = {RELEASED: [each for each in waiting if each.asked is RELEASED]}
    if len(found[RELEASED]) < len(waiting):
        for each in waiting:
            if each.asked is not RELEASED:
                found.setdefault(each.asked, []).append(each)
    return {asked: group for asked, group in found.items() if group}
