"""MLServer: a runtime with two typed handlers of its own, for its own protocol carries tensors."""

from __future__ import annotations

from mlserver import MLModel
from mlserver.handlers import custom_handler

from benchmarks.serving.peers.graph import answers, encode, session
from benchmarks.serving.peers.typed import Prediction, Predictions, Record, Records, told


class Screening(MLModel):
    """The model behind two addresses."""

    async def load(self) -> bool:
        self.session = session()
        return True

    @custom_handler(rest_path="/one")
    async def one(self, record: Record) -> Prediction:
        return told(answers(self.session, encode([list(vars(record).values())]))[0])

    @custom_handler(rest_path="/many")
    async def many(self, records: Records) -> Predictions:
        cells = encode([list(vars(record).values()) for record in records.rows])
        return Predictions(rows=[told(answer) for answer in answers(self.session, cells)])
