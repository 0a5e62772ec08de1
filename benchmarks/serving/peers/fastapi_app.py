"""FastAPI with asynchronous functions, under uvicorn."""

from __future__ import annotations

from fastapi import FastAPI

from benchmarks.serving.peers.graph import answers, encode, session
from benchmarks.serving.peers.typed import Prediction, Predictions, Record, Records, told

app = FastAPI()
SESSION = session()


@app.post("/one")
async def one(record: Record) -> Prediction:
    """The answer to one record."""
    return told(answers(SESSION, encode([list(vars(record).values())]))[0])


@app.post("/many")
async def many(records: Records) -> Predictions:
    """The answers to many."""
    cells = encode([list(vars(record).values()) for record in records.rows])
    return Predictions(rows=[told(answer) for answer in answers(SESSION, cells)])


@app.get("/readyz")
async def ready() -> bool:
    """Whether it answers."""
    return True
