"""Arrow tables -> what the model takes, and its answers -> Arrow tables and files; for peers that use pyarrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from benchmarks.batch.peers.common import ID, Task

DECISIONS = pa.array(["negative", "positive"])


def encode(task: Task, table: Any) -> np.ndarray:
    """Columns of a table or a batch -> float32 [rows, columns], NaN where a cell is empty; nothing is checked."""
    # Column by column in memory, and turned round once: writing 23 numbers apart costs more.
    cells = np.empty((len(task.columns), table.num_rows), np.float32)
    for place, name in enumerate(task.columns):
        column = table.column(name)
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        cells[place] = _coded(column, task.places[name]) if name in task.places else column.to_numpy(False)
    return np.ascontiguousarray(cells.T)


def _coded(column: Any, places: dict[str, float]) -> np.ndarray:
    """The place of each category, NaN of none."""
    if not isinstance(column, pa.DictionaryArray):
        column = column.dictionary_encode()
    known = [places.get(kind, np.nan) for kind in column.dictionary.to_pylist()]
    numbers = np.array([*known, np.nan], np.float32)
    return numbers[pc.fill_null(column.indices, len(known)).to_numpy()]


def schema(task: Task) -> pa.Schema:
    """The columns of an answer."""
    symptoms = [(name, pa.float32()) for name in task.symptoms]
    return pa.schema(
        [
            (ID, pa.int64()),
            ("probability", pa.float32()),
            ("positive", pa.bool_()),
            ("decision", pa.string()),
            *symptoms,
        ]
    )


def answer(task: Task, ids: Any, found: dict[str, np.ndarray]) -> pa.RecordBatch:
    """The answers to some rows."""
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    decision = DECISIONS.take(pa.array(found["positive"].view(np.int8)))
    symptoms = [pa.array(found[name]) for name in task.symptoms]
    arrays = [ids, pa.array(found["probability"]), pa.array(found["positive"]), decision, *symptoms]
    return pa.RecordBatch.from_arrays(arrays, schema=schema(task))


def writer(task: Task, file: Any) -> Any:
    """What writes batches of answers, in the way that costs least: scores neither repeat nor shrink."""
    if task.csv:
        return pa.csv.CSVWriter(file, schema(task), write_options=pa.csv.WriteOptions(quoting_style="none"))
    return pa.parquet.ParquetWriter(
        file, schema(task), compression="none", use_dictionary=["decision"], write_statistics=False
    )


def types(task: Task) -> dict[str, pa.DataType]:
    """How the cells of CSV are read."""
    numbers = dict.fromkeys(task.numbers, pa.float32())
    return {ID: pa.int64(), **numbers, **dict.fromkeys(task.places, pa.dictionary(pa.int32(), pa.string()))}
