from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from serving.batch.doing import Told
from serving.batch.judge import Judge
from serving.batch.order import Order
from serving.batch.receipt import Receipt
from serving.batch.shard import Shard


class Engine(Protocol):
    """What does the shards of a job, in any order."""

    def run(
        self, order: Order, judge: Judge, shards: Sequence[Shard], told: Callable[[Told], None]
    ) -> Iterator[Receipt]:
        """Do them all; of each its receipt as soon as it is done.

        Raises what the first shard raises that can not be done.
        """
