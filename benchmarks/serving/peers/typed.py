"""The types of the job, as one writes them for pydantic and for msgspec."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, create_model

from benchmarks.serving.peers.fields import read

FIELDS, SYMPTOMS = read()
Decision = Literal["positive", "negative"]


def _cell(field: Any, bound: Any) -> Any:
    if field.kinds:
        kind: Any = Literal[field.kinds]
    elif field.low is None:
        kind = bool | Literal[0, 1]
    else:
        kind = Annotated[float, bound(ge=field.low, le=field.high)]
    return kind | None if field.empty else kind


STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)
Record: Any = create_model("Record", __config__=STRICT, **{field.name: (_cell(field, Field), ...) for field in FIELDS})
Symptoms: Any = create_model("Symptoms", **dict.fromkeys(SYMPTOMS, (float, ...)))


class Prediction(BaseModel):
    """The answer to one record."""

    probability: float
    decision: Decision
    symptoms: Symptoms


class Records(BaseModel):
    """Many records."""

    rows: list[Record]


class Predictions(BaseModel):
    """The answers to many."""

    rows: list[Prediction]


def told(answer: tuple[Any, ...]) -> Prediction:
    """An answer as it is sent."""
    probability, positive, *symptoms = answer
    decision: Decision = "positive" if positive else "negative"
    return Prediction(
        probability=probability,
        decision=decision,
        symptoms=Symptoms(**dict(zip(SYMPTOMS, symptoms, strict=True))),
    )


FastRecord: Any = msgspec.defstruct(
    "FastRecord",
    [(field.name, _cell(field, msgspec.Meta)) for field in FIELDS],
    forbid_unknown_fields=True,
    gc=False,
)
FastRecords: Any = msgspec.defstruct("FastRecords", [("rows", list[FastRecord])], gc=False)
FastSymptoms: Any = msgspec.defstruct("FastSymptoms", [(name, float) for name in SYMPTOMS], gc=False)
FastPrediction: Any = msgspec.defstruct(
    "FastPrediction", [("probability", float), ("decision", str), ("symptoms", FastSymptoms)], gc=False
)
FastPredictions: Any = msgspec.defstruct("FastPredictions", [("rows", list[FastPrediction])], gc=False)


def fast(answer: tuple[Any, ...]) -> Any:
    """The same, for msgspec."""
    probability, positive, *symptoms = answer
    return FastPrediction(probability, "positive" if positive else "negative", FastSymptoms(*symptoms))
