"""Lines of CSV -> the same lines with what is said of them, where nothing in them is in doubt.

Reading every cell as text and writing it again takes most of the time of a job from CSV to CSV. Lines without quotes
whose cells are shown to be good at once are carried along as they stand. Whatever is in doubt is left to the way of
cells, which gives the same bytes.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv

from models.inputs import Inputs
from models.proven import proven
from models.schema import Numeric
from serving.batch.formats.comma import CsvReader, CsvWriter
from serving.batch.judge import POINT, Judge
from serving.batch.records import LINE_FEED, Block
from serving.chunk import side_by_side
from serving.counts import Tally

# A line of a file as a column; no column of an answer is called so.
LINE = ""
NAMES = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Lines:
    """Lines of the result, and what was counted in them."""

    text: bytes
    tally: Tally


def scored_lines(judge: Judge, reader: CsvReader, block: Block, carried: tuple[str, ...] | None) -> Lines | None:
    """The lines of a block with their answers, with all of their own cells or those `carried`; None in any doubt.

    Raises BadInput naming the line if the text is not UTF-8.
    """
    asked, data = judge.columns, block.data
    if b'"' in data or b"\r" in data or asked.image is not None:
        return None
    if carried is not None and (not carried or set(carried) & set(asked.names)):
        return None
    reader.check(block)
    data = data if data.endswith(b"\n") else data + b"\n"
    kinds = {column.name: pa.float64() if isinstance(column, Numeric) else NAMES for column in asked.columns}
    table = _parsed(data, reader.schema.names, {**kinds, **dict.fromkeys(carried or (), pa.string())})
    # A blank line is no row.
    if table is None or table.num_rows != data.count(b"\n"):
        return None
    numbers = [proven(column, table[column.name]) for column in asked.columns]
    good = [cells for cells in numbers if cells is not None]
    if len(good) < len(numbers):
        return None
    judged = judge.judge(Inputs(side_by_side(good)))
    own = {LINE: _begun(data)} if carried is None else {name: table[name] for name in carried}
    rows = pl.DataFrame([pl.Series(name, cells) for name, cells in {**own, **judged.columns}.items()])
    text = CsvWriter.plain(rows.with_columns(pl.lit(judge.point).alias(POINT)), end="" if carried is None else "\n")
    # A line as it stands has brought the end of the one before it.
    return Lines(text[1:] + b"\n" if carried is None else text, judged.tally)


def _parsed(data: bytes, names: list[str], kinds: Mapping[str, pa.DataType]) -> pa.Table | None:
    """The columns of these kinds; None if a line has another number of cells, or a cell is of another kind."""
    data = BOM_UTF8 + data
    try:
        return pyarrow.csv.read_csv(
            pa.py_buffer(data),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            pyarrow.csv.ParseOptions(ignore_empty_lines=len(names) > 1),
            pyarrow.csv.ConvertOptions(
                column_types=kinds,
                include_columns=list(kinds),
                strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid:
        return None


def _begun(lines: bytes) -> pa.Array:
    """Each line with the end of the one before it and without its own; the text as a whole is moved, not each line."""
    ends = np.flatnonzero(np.frombuffer(lines, dtype=np.uint8) == LINE_FEED) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(b"\n" + lines)])
