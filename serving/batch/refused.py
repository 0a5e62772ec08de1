"""The refusals of all shards -> one table, by file and by row of the file."""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections import Counter
from collections.abc import Sequence

from serving.batch.files import Files
from serving.batch.order import Order
from serving.batch.part import path_of, table
from serving.batch.receipt import Receipt
from serving.batch.shard import Shard

COLUMNS = ("file", "row", "path", "rule", "got")


def gather(files: Files, order: Order, shards: Sequence[Shard], receipts: Sequence[Receipt]) -> bool:
    """Write `OUT.refused`, or take an older one away if there is nothing to write; whether there is.

    Rows are numbered from 0 in each file. Where a shard begins in the middle of a text, the rows before it are those
    of the shards before it.
    """
    layout = order.layout
    if not any(receipt.refused_lines for receipt in receipts):
        files.remove(layout.refused)
        return False
    path = files.scratch(layout) / f"refused.{uuid.uuid4().hex}.tmp"
    before: Counter[int] = Counter()
    with path.open("wb") as file:
        file.write(table([COLUMNS]))
        for shard, receipt in zip(shards, receipts, strict=True):
            if receipt.refused_lines:
                text = files.read(layout.turned_away(shard.number)) or b""
                for piece, row, column, rule, got in csv.reader(io.StringIO(text.decode(), newline="")):
                    found = shard.pieces[int(piece)]
                    number = int(row) + (before[found.source] if found.first_row is None else 0)
                    file.write(table([(order.sources[found.source].path, number, path_of(number, column), rule, got)]))
            for found, rows in zip(shard.pieces, receipt.read, strict=True):
                before[found.source] += rows
        file.flush()
        os.fsync(file.fileno())
    files.put(path, layout.refused)
    return True
