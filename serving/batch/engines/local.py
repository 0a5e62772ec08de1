from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from serving.batch.doing import Told, cores, do
from serving.batch.judge import Judge
from serving.batch.order import Order
from serving.batch.receipt import Receipt
from serving.batch.shard import Shard


@dataclass(frozen=True)
class Local:
    """The cores of this machine: one thread scores on each, while what comes next is read and what is done written."""

    workers: int | None = None

    def run(
        self, order: Order, judge: Judge, shards: Sequence[Shard], told: Callable[[Told], None]
    ) -> Iterator[Receipt]:
        return do(order, judge, shards, workers=self.workers or cores(), told=told)
