"""BentoML as its documentation shows it: typed methods, one that takes a record and one that takes many."""

from __future__ import annotations

import bentoml

from benchmarks.serving.peers.graph import answers, encode, session
from benchmarks.serving.peers.typed import Prediction, Predictions, Record, Records, told


@bentoml.service
class Screening:
    """The model behind two addresses."""

    def __init__(self) -> None:
        self.session = session()

    @bentoml.api
    def one(self, record: Record, /) -> Prediction:
        return told(answers(self.session, encode([list(vars(record).values())]))[0])

    @bentoml.api
    def many(self, records: Records, /) -> Predictions:
        cells = encode([list(vars(record).values()) for record in records.rows])
        return Predictions(rows=[told(answer) for answer in answers(self.session, cells)])
