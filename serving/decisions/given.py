"""The rows on which a decision is made again: those of the log, or those of a file."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import BadInput, Refusal
from models.inputs import Inputs
from models.rows import encode_rows
from models.schema import Schema
from serving.decisions.find import Found, Judged

WANTED = "should be a file with the rows as they were asked (--inputs)"


def kept(judged: Judged, rows: tuple[int, ...], schema: Schema) -> Inputs:
    """The rows that a log kept.

    Raises BadInput if it kept none, or not all that the model looks at.
    """
    if judged.columns is None:
        raise BadInput([Refusal("inputs", f"{WANTED}: the log was kept without them", "nothing")])
    if schema.image:
        raise BadInput([Refusal("inputs", f"{WANTED}: a log holds no photographs", "nothing")])
    data = b"".join(b64decode(judged.columns[row]) for row in rows)
    return Inputs(np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(len(rows), len(schema.columns)))


def read(file: Path, schema: Schema, found: Found) -> Inputs:
    """The rows of a file that are asked for: JSON as a request holds it, or a row alone; CSV or Parquet by its ending.

    The file holds all rows of the request, or those alone that are asked for.

    Raises BadInput naming what is wrong with it.
    """
    encoded = _from_json(file, schema) if file.suffix.lower() == ".json" else _from_table(file, schema)
    if len(encoded) == len(found.rows):
        return encoded
    count = len(found.record.models[0].decision)
    if len(encoded) != count:
        wanted = " or ".join(map(str, dict.fromkeys([len(found.rows), count])))
        raise BadInput([Refusal(str(file), f"should hold {wanted} rows", f"{len(encoded)} rows")])
    return encoded[np.array(found.rows)]


def _from_json(file: Path, schema: Schema) -> Inputs:
    try:
        document: Any = json.loads(file.read_bytes())
    except OSError as error:
        raise BadInput([Refusal(str(file), "should be a file that can be read", str(error.strerror))]) from None
    except ValueError:
        raise BadInput([Refusal(str(file), "should be JSON", "something else")]) from None
    if isinstance(document, dict) and isinstance(columns := document.get("columns"), dict):
        document = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    elif isinstance(document, dict):
        document = document.get("rows", [document])
    return encode_rows(schema, document)


def _from_table(file: Path, schema: Schema) -> Inputs:
    from models.labelled import read_site  # noqa: PLC0415  # with it come Polars and Arrow

    rows = read_site(file, schema)
    return Inputs(rows.columns, rows.image)
