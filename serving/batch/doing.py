"""Shards -> files of the result: what every engine does, here or elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import pyarrow as pa

from models.errors import BadInput, Refusal
from serving.batch.files import files_of, writing
from serving.batch.formats.form import Item, Reader
from serving.batch.formats.known import format_of
from serving.batch.judge import Judge
from serving.batch.order import Order, Source
from serving.batch.overlapped import overlapped
from serving.batch.part import Part, cell, path_of
from serving.batch.place import Place
from serving.batch.receipt import Made, Receipt
from serving.batch.shard import Piece, Shard
from serving.batch.step import Step, Written
from serving.chunk import scored_schema
from serving.counts import Tally

# A photograph of 512 x 512 takes 0.8 MB beside its row, and so long that few of them keep a core busy.
PHOTOGRAPHS_PER_ITEM = 16
# Items that are read and not yet written, a worker; what is in memory is bounded by it.
AHEAD = 2


@dataclass(frozen=True)
class Told:
    """What was done just now: of so many bytes of the files, so many rows."""

    tally: Tally
    weight: int


@dataclass(frozen=True)
class _Taken:
    """An item of a piece of a shard, and how it is scored; no item where the shard ends."""

    shard: Shard
    piece: int
    step: Step
    reader: Reader
    item: Item | None


@dataclass
class _Making:
    """A shard that is being made; `read` counts the rows of each piece."""

    shard: Shard
    part: Part
    tally: Tally
    read: list[int]
    weight: int = 0


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def columns_of(order: Order, judge: Judge, schema: pa.Schema) -> pa.Schema:
    """The columns of the result of files with the columns `schema`.

    Raises BadInput if they can not be scored, carried along, or written.
    """
    found = scored_schema(judge.columns, judge.said, schema, carried=order.keep)
    found = found.with_metadata({**(schema.metadata or {}), **judge.metadata})
    order.layout.writer.check(found)
    return found


def read_of(order: Order, judge: Judge) -> tuple[str, ...] | None:
    """The columns that have to be read; None for all."""
    if order.keep is None:
        return None
    return tuple(dict.fromkeys((*order.keep, *judge.columns.asked)))


def opened(source: Source, judge: Judge) -> Reader:
    """A file of a job, opened.

    Raises BadInput if it can not be read.
    """
    place = Place(source.path)
    return format_of(place).reader(place, named=judge.texts)


def do(
    order: Order,
    judge: Judge,
    shards: Sequence[Shard],
    *,
    workers: int = 1,
    told: Callable[[Told], None] | None = None,
) -> Iterator[Receipt]:
    """Do some shards, one after the other, by several threads at once; of each its receipt, written down.

    Raises BadInput if a file is damaged or not the one it was, or, with `strict`, if a row is refused; what is done by
    then stays done.
    """
    return _Doing(order, judge, told or (lambda _: None)).run(shards, workers)


class _Doing:
    def __init__(self, order: Order, judge: Judge, told: Callable[[Told], None]) -> None:
        self._order, self._judge, self._told = order, judge, told
        self._files = files_of(order.target)
        self._making: _Making | None = None

    def run(self, shards: Sequence[Shard], workers: int) -> Iterator[Receipt]:
        try:
            with (
                closing(self._items(shards)) as items,
                closing(overlapped(self._take, items, workers=workers, ahead=AHEAD * workers + 1)) as found,
            ):
                for taken, written in found:
                    making = self._begun(taken)
                    if written is None:
                        yield self._finished(making)
                    else:
                        self._write(making, taken, written)
        finally:
            if self._making is not None:
                self._making.part.abandon()

    def _items(self, shards: Sequence[Shard]) -> Generator[_Taken]:
        """All items of all shards in order, and where each shard ends."""
        order, judge = self._order, self._judge
        columns = read_of(order, judge)
        rows = order.rows_per_chunk or (PHOTOGRAPHS_PER_ITEM if judge.columns.image else None)
        for shard in shards:
            taken = None
            for number, piece in enumerate(shard.pieces):
                with closing(opened(order.sources[piece.source], judge)) as reader:
                    carried = tuple(reader.schema.names) if order.keep is None else order.keep
                    step = Step(
                        judge,
                        order.layout.writer,
                        columns_of(order, judge, reader.schema),
                        carried=carried,
                        all_carried=order.keep is None,
                    )
                    taken = _Taken(shard, number, step, reader, None)
                    for item in reader.items(piece.span, columns=columns, rows=rows):
                        yield replace(taken, item=item)
            assert taken is not None
            yield taken

    def _take(self, taken: _Taken) -> tuple[_Taken, Written | None]:
        if taken.item is None:
            return taken, None
        local = Place(self._order.sources[taken.shard.pieces[taken.piece].source].path).local
        written = taken.step.take(taken.reader, taken.item, local.parent if local is not None else None)
        # What was read is let go of as soon as it is scored.
        return replace(taken, item=None), written

    def _begun(self, taken: _Taken) -> _Making:
        if self._making is None:
            part = Part(self._files, self._order.layout, taken.shard.number, taken.step.schema)
            self._making = _Making(taken.shard, part, self._judge.refusing(0), [0] * len(taken.shard.pieces))
        return self._making

    def _write(self, making: _Making, taken: _Taken, written: Written) -> None:
        piece = making.shard.pieces[taken.piece]
        first_row = (piece.first_row or 0) + making.read[taken.piece]
        if self._order.strict and written.refused:
            raise BadInput([self._named(refusal, piece, first_row) for refusal in written.refused])
        making.part.write(written.prepared, written.refused, piece=taken.piece, first_row=first_row)
        making.tally += written.tally
        making.weight += written.weight
        making.read[taken.piece] += written.tally.read
        self._told(Told(written.tally, written.weight))

    def _finished(self, making: _Making) -> Receipt:
        order, layout, number = self._order, self._order.layout, making.shard.number
        for piece in making.shard.pieces:
            check_unchanged(order.sources[piece.source])
        digest, size = making.part.finish()
        self._making = None
        receipt = Receipt(
            number=number,
            made=Made.of(order, self._judge, making.shard),
            part=Place(layout.part(number)).name,
            size=size,
            blake3=digest,
            tally=making.tally,
            read=tuple(making.read),
            refused_lines=making.part.refused,
            weight=making.weight,
        )
        with writing(layout.receipt(number)):
            self._files.write(layout.receipt(number), receipt.model_dump_json().encode())
        return receipt

    def _named(self, refusal: Refusal, piece: Piece, first_row: int) -> Refusal:
        """A refusal by the row in the file, and by the file where there are several."""
        row, column = cell(refusal)
        path = path_of(first_row + row, column)
        source = self._order.sources[piece.source].path
        if piece.first_row is None:
            path = f"{source}, from byte {piece.start} on: {path}"
        elif len(self._order.sources) > 1:
            path = f"{source}: {path}"
        return Refusal(path, refusal.rule, refusal.got)


def check_unchanged(source: Source) -> None:
    """Raises BadInput if a file is not as it was when the job began."""
    if Place(source.path).state() != source.state:
        raise BadInput([Refusal(source.path, "should stay the same while it is read", "a change")])
