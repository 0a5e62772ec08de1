"""Some rows of a file -> the same rows with their scores: the one step that is repeated over a file.

It is a pure function of the scorer and the rows, so it can be called in any order, thread or process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from models.errors import BadInput, Refusal
from models.inputs import Inputs
from models.manifest import Manifest
from models.proven import proven
from models.schema import Schema
from models.scorer import Scorer, Scores
from models.table import Encoded, check_columns, encode_table
from models.turn import Turned
from serving.counts import Counts

ROWS_AT_A_TIME = 4096
# `pa.array` would load pandas wherever that is installed, which takes a second.
DECISIONS = pl.Series(["negative", "positive", "indeterminate"]).to_arrow().cast(pa.string())


@dataclass(frozen=True)
class Chunk:
    """Rows of a file, in its order, the first of them row `first_row` (counted from 0, without a header).

    `refused` holds what the reader could make no row of; such a row is not among `rows`.
    """

    first_row: int
    rows: pa.Table
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class ScoredChunk:
    """The good rows of a chunk with their scores, and why the others were refused, a refusal a bad cell."""

    rows: pa.Table
    refused: tuple[Refusal, ...]
    counts: Counts


def score_chunk(
    scorer: Scorer,
    chunk: Chunk,
    *,
    at: Turned | None = None,
    folder: Path | None = None,
    seen: Callable[[Inputs, Scores], None] | None = None,
) -> ScoredChunk:
    """Score the rows that keep the schema; all columns are carried along as they are.

    Paths of photographs are read from `folder` on. Columns are taken to be there: see `scored_schema`. `seen` is told
    the good rows as the graph took them, and what it said.
    """
    encoded = encode_chunk(scorer.columns, chunk, folder=folder)
    inputs = encoded.accepted
    scores = scorer.score(inputs, at=at)
    if seen is not None:
        seen(inputs, scores)
    rows = kept(chunk.rows, encoded.good)
    for name, values in answered(scores).items():
        rows = rows.append_column(name, values)
    bad = len(chunk.refused) + int((~encoded.good).sum())
    return ScoredChunk(rows, (*chunk.refused, *encoded.refused), counted(scores) + Counts(read=bad, refused=bad))


def encode_chunk(schema: Schema, chunk: Chunk, *, folder: Path | None = None) -> Encoded:
    """The rows of a chunk as a graph takes them; whole columns at once, and cell by cell where one is not so good.

    Paths of photographs are read from `folder` on.
    """
    known = {column.name: proven(column, chunk.rows[column.name]) for column in schema.columns}
    good = {name: numbers for name, numbers in known.items() if numbers is not None}
    if len(good) == len(known) and schema.image is None:
        values = side_by_side(list(good.values()))
        return Encoded(values, np.ones(len(values), dtype=bool), ())
    doubtful = [name for name in schema.asked if name not in good]
    return encode_table(schema, _frame(chunk.rows, doubtful), first_row=chunk.first_row, folder=folder, proven=good)


def side_by_side(columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Columns of numbers [rows] -> float32 [rows, columns]."""
    values = np.empty((len(columns[0]), len(columns)), dtype=np.float32)
    # Some thousand rows stay in the cache of a core until the last column is there.
    for start in range(0, len(values), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        for place, numbers in enumerate(columns):
            values[rows, place] = numbers[rows]
    return values


def answers(manifest: Manifest) -> dict[str, pa.DataType]:
    """The columns of an answer, and what each holds."""
    found = {"probability": pa.float32(), "positive": pa.bool_(), "decision": pa.string()}
    return found | {symptom.name: pa.float32() for symptom in manifest.symptoms}


def scored_schema(
    columns: Schema, found: Mapping[str, pa.DataType], schema: pa.Schema, *, carried: Sequence[str] | None = None
) -> pa.Schema:
    """The columns of a table once it is scored: its own, then those of the answer, `found`.

    Of its own columns all are carried, or those named `carried`.

    Raises BadInput if a column is missing, there twice, of a type that can not be read, or named like a score.
    """
    names = schema.names
    many = Counter(names)
    carried = names if carried is None else carried
    refused = [
        Refusal(name, "should be the name of one column", f"{count} columns of that name")
        for name, count in many.items()
        if count > 1
    ]
    refused += [
        Refusal(name, "is the name of a column of the result", "an input column of that name")
        for name in found
        if name in carried
    ]
    refused += [
        Refusal(name, "should be a column of the table", ", ".join(names)) for name in carried if name not in many
    ]
    refused += [
        Refusal(name, str(columns.rule(name)), f"a column of type {schema.field(name).type}")
        for name in columns.asked
        # Polars has no such number, and stops the whole process where it meets one.
        if many[name] == 1 and pa.types.is_decimal256(schema.field(name).type)
    ]
    if refused:
        raise BadInput(refused)
    check_columns(columns, _types(schema, columns.asked))
    fields = [*(schema.field(name) for name in carried), *(pa.field(name, kind) for name, kind in found.items())]
    return pa.schema(fields, schema.metadata)


def kept(rows: pa.Table, good: NDArray[np.bool_]) -> pa.Table:
    """The good rows alone."""
    if good.all():
        return rows
    try:
        return rows.filter(cells(good))
    except pa.ArrowNotImplementedError:
        # Views of text can not be filtered (Arrow 26): the runs of good rows are cut out one by one.
        runs = np.flatnonzero(np.diff(good, prepend=False, append=False)).reshape(-1, 2).tolist()
        return pa.concat_tables([rows.slice(0, 0), *(rows.slice(start, stop - start) for start, stop in runs)])


def counted(scores: Scores) -> Counts:
    """How many rows were decided which way."""
    positive, negative = int(scores.positive.sum()), int(scores.negative.sum())
    return Counts(
        read=len(scores), positive=positive, negative=negative, indeterminate=len(scores) - positive - negative
    )


def answered(scores: Scores) -> dict[str, pa.Array]:
    """The columns of the result; of whom the model does not decide, `positive` is empty."""
    undecided = ~(scores.positive | scores.negative)
    places = np.where(undecided, 2, scores.positive).astype(np.int8)
    return {
        "probability": cells(scores.probability),
        "positive": cells(scores.positive, undecided),
        "decision": DECISIONS.take(cells(places)),
        **{name: cells(values) for name, values in scores.symptoms.items()},
    }


def cells(values: NDArray[Any], empty: NDArray[np.bool_] | None = None) -> pa.Array:
    """Numbers [rows] as a column of a table, nothing where they are `empty`."""
    there = pa.py_buffer(_bits(~empty)) if empty is not None and empty.any() else None
    held = _bits(values) if values.dtype == np.bool_ else np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [there, pa.py_buffer(held)])


def _bits(values: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(values, bitorder="little")


def _types(schema: pa.Schema, wanted: tuple[str, ...]) -> pl.Schema:
    """The types of a table's columns; those that no model looks at are given as text."""
    known = set(schema.names)
    there = [name for name in wanted if name in known]
    found = _frame(pa.Table.from_batches([], pa.schema([schema.field(name) for name in there])), there).schema
    # All others are named only where one is missing: there may be a hundred thousand.
    others = dict.fromkeys(schema.names, pl.String()) if len(there) < len(wanted) else {}
    return pl.Schema({**others, **found})


def _frame(table: pa.Table, names: tuple[str, ...] | list[str]) -> pl.DataFrame:
    frame = pl.from_arrow(table.select(list(names)))
    assert isinstance(frame, pl.DataFrame)
    return frame
