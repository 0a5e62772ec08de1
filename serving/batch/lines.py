"""Lines of CSV -> the same lines with what is said of them, where nothing in them is in doubt.

Reading every cell as text and writing it again takes most of the time of a job from CSV to CSV. Lines without quotes
whose cells are shown to be good at once are carried along as they stand. Whatever is in doubt is left to the way of
cells, which gives the same bytes.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from models.inputs import Inputs
from models.proven import proven
from models.schema import Numeric
from serving.batch.formats.comma import CsvReader, CsvWriter
from serving.batch.judge import Judge
from serving.batch.records import LINE_FEED, Block, line_feeds
from serving.chunk import side_by_side
from serving.counts import Tally

NAMES = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Lines:
    """Lines of the result, and what was counted in them."""

    text: pa.Buffer
    tally: Tally


def scored_lines(judge: Judge, reader: CsvReader, block: Block, carried: tuple[str, ...] | None) -> Lines | None:
    """The lines of a block with their answers, with all of their own cells or those `carried`; None in any doubt.

    Raises BadInput naming the line if the text is not UTF-8.
    """
    asked, data = judge.columns, block.data
    if b'"' in data or b"\r" in data or asked.image is not None or carried == ():
        return None
    reader.check(block)
    data = data if data.endswith(b"\n") else data + b"\n"
    kinds = {column.name: pa.float64() if isinstance(column, Numeric) else NAMES for column in asked.columns}
    table = _parsed(data, reader.schema.names, {**kinds, **dict.fromkeys(carried or (), pa.string())})
    # A blank line is no row.
    if table is None or table.num_rows != line_feeds(data):
        return None
    numbers = [proven(column, table[column.name]) for column in asked.columns]
    good = [cells for cells in numbers if cells is not None]
    if len(good) < len(numbers):
        return None
    judged = judge.judge(Inputs(side_by_side(good), proven=True))
    own = [_lines(data)] if carried is None else [table[name].combine_chunks() for name in carried]
    said = [CsvWriter.texts(cells) for cells in judged.columns.values()]
    return Lines(_joined([*own, *said], judge.point), judged.tally)


def _parsed(data: bytes, names: list[str], kinds: Mapping[str, pa.DataType]) -> pa.Table | None:
    """The columns of these kinds; None if a line has another number of cells, or a cell is of another kind."""
    data = BOM_UTF8 + data if data.startswith(BOM_UTF8) else data
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


def _lines(data: bytes) -> pa.Array:
    """Each line without its end."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == LINE_FEED) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    whole = pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    return pc.utf8_rtrim(whole, "\n")


def _joined(cells: Sequence[pa.Array], last: str) -> pa.Buffer:
    """Texts side by side as lines, whose last cell is the same for all; an empty cell is nothing."""
    end, comma = pl.Series([f"{last}\n", ","]).to_arrow().cast(pa.string())
    lines = pc.binary_join_element_wise(*cells, end, comma, null_handling="replace", null_replacement="")
    _, offsets, text = lines.buffers()
    return text.slice(0, int(np.frombuffer(offsets, dtype=np.int32)[len(lines)]))
