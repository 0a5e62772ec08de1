"""MLflow: a model of Python code, which is loaded from this file."""

from __future__ import annotations

import math
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from pydantic import ValidationError

from benchmarks.serving.peers.graph import FIELDS, answers, encode, session
from benchmarks.serving.peers.typed import Record, told

NAMES = [field.name for field in FIELDS]


class Screening(mlflow.pyfunc.PythonModel):
    """The model; a table has lost what was empty, a record has it again."""

    def load_context(self, context: Any) -> None:
        del context
        self.session = session()

    def predict(self, context, model_input, params=None):  # noqa: ANN001, ANN201  # types here would be taken for those of a request
        del context, params
        try:
            records = [Record(**_cells(row)) for row in model_input[NAMES].to_dict("records")]
        except ValidationError as error:
            raise MlflowException(str(error), error_code=BAD_REQUEST) from None
        return [told(answer).model_dump() for answer in answers(self.session, encode(_rows(records)))]


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(cell, float) and math.isnan(cell) else cell for name, cell in row.items()}


def _rows(records: list[Any]) -> list[list[Any]]:
    return [list(vars(record).values()) for record in records]


mlflow.models.set_model(Screening())
