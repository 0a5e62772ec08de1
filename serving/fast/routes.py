"""The hot routes: which addresses are answered without a detour, by which desk, in which form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.errors import FulcrumError, Refusal
from serving.asker import NOBODY, Asker
from serving.endpoint import Endpoint
from serving.fast.desk import Desk, Way
from serving.fast.reader import ColumnsReader, RowsReader
from serving.fast.writer import ColumnsWriter, RowsWriter
from serving.gate import Gate
from serving.live import Live
from serving.refusals import STATUSES, Answer, TooLarge, refusal
from serving.tally import TALLY


@dataclass(frozen=True)
class Route:
    """An address at which a model is asked in one form."""

    desk: Desk
    way: Way
    gate: Gate
    max_bytes: int

    def let_in(self, authorization: str | None, host: str | None, size: int, trace: str | None) -> Asker | Answer:
        """Who asks, with which `traceparent`; or why nothing of the request is read, counted."""
        try:
            person = self.gate.let_in(authorization, host)
            self.check_size(size)
        except tuple(STATUSES) as error:
            return self.refused(error)
        return NOBODY if person is None and trace is None else Asker.of(person.name if person else None, trace)

    def check_size(self, size: int) -> None:
        """Raises TooLarge if so many bytes are more than are read."""
        if size > self.max_bytes:
            raise TooLarge([Refusal("body", f"should hold at most {self.max_bytes} bytes", "more")])

    def refused(self, error: FulcrumError) -> Answer:
        """An error as it is answered, counted."""
        answer = refusal(error)
        TALLY.answered(self.desk.name, answer.status, 0.0)
        return answer

    def ask(self, body: bytes, tell: Callable[[Answer], None], asker: Asker = NOBODY) -> None:
        """Answer a body, now or at the end of this turn of the event loop."""
        self.desk.ask(self.way, body, tell, asker)


def routes(endpoints: Mapping[str, Endpoint], live: Live, gate: Gate, *, max_wait: float) -> dict[str, Route]:
    """The addresses of those models that are asked by columns alone; a photograph costs more than any detour."""
    found: dict[str, Route] = {}
    for name, endpoint in endpoints.items():
        if endpoint.columnar is None:
            continue
        desk, schema, messages = (
            Desk(name, endpoint, live, max_wait=max_wait),
            endpoint.scorer.columns,
            endpoint.messages,
        )
        ways = {
            f"/{name}": Way(RowsReader(schema, max_rows=endpoint.max_rows), messages.request, RowsWriter(messages)),
            f"/{name}/columns": Way(
                ColumnsReader(schema, max_rows=endpoint.max_rows), endpoint.columnar.request, ColumnsWriter(messages)
            ),
        }
        found |= {address: Route(desk, way, gate, messages.request.max_bytes) for address, way in ways.items()}
    return found
