"""Shards as tasks of a Ray cluster: Ray hands out names of shards, and no row passes through it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from models.errors import BadInput, Refusal
from serving.batch.doing import Told
from serving.batch.judge import Judge
from serving.batch.order import Order
from serving.batch.receipt import Receipt
from serving.batch.shard import Shard
from serving.batch.task import receipt_of, score_shard

# A task whose worker or node was lost is given to another one so often.
RETRIES = 20
# Tasks that wait, a core: enough that no core is idle, few enough that a failure ends the job soon.
WAITING = 2
# A worker that is told to end while it does a task is gone sooner than that.
LEAVE_SECONDS = 30
ANSWERS_SECONDS = 10.0


@dataclass(frozen=True)
class OnRay:
    """A Ray cluster: a running one by its address, the one Ray finds, or one of this machine.

    Every node needs this package, and the bundles, the files and the target under the same paths or addresses. `tasks`
    bounds how many shards are done at once; without it the cluster's cores do.

    Raises BadInput if Ray is not installed, or the cluster can not be reached.
    """

    address: str | None = None
    tasks: int | None = None

    def run(
        self, order: Order, judge: Judge, shards: Sequence[Shard], told: Callable[[Told], None]
    ) -> Iterator[Receipt]:
        """Do the shards; a shard that is lost with its worker or its node is done again from its beginning.

        Each worker opens the models for itself; what it says that it made has to be what was asked.
        """
        if not shards:
            return
        ray = self._ray()
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(score_shard)
        # It names every file of the job: sent to each node once, not with each task.
        sent = ray.put(order.absolute().model_dump_json())
        waiting: dict[Any, Shard] = {}
        left = iter(shards)
        try:
            while True:
                # Nodes come and go.
                room = self.tasks or WAITING * max(1, int(ray.cluster_resources().get("CPU", 1)))
                while len(waiting) < room and (shard := next(left, None)) is not None:
                    waiting[task.remote(sent, shard.model_dump_json())] = shard
                if not waiting:
                    return
                done, _ = ray.wait(list(waiting), num_returns=1)
                for each in done:
                    shard = waiting.pop(each)
                    receipt = receipt_of(_found(ray, each, order.layout.part(shard.number)), order, judge, shard)
                    told(Told(receipt.tally, receipt.weight))
                    yield receipt
        finally:
            for each in waiting:
                ray.cancel(each, force=True)
            # What they leave can be cleared away only when they are gone.
            if waiting:
                ray.wait(list(waiting), num_returns=len(waiting), timeout=LEAVE_SECONDS)

    def _ray(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray  # noqa: PLC0415  # comes with an extra
        except ImportError:
            rule = "should be installed for this engine (pip install 'fulcrum-screening[ray]')"
            raise BadInput([Refusal("ray", rule, "nothing")]) from None
        if not ray.is_initialized():
            _check_answers(self.address or "")
            try:
                ray.init(address=self.address, log_to_driver=False, logging_level=logging.WARNING)
            except (ConnectionError, ValueError, RuntimeError) as error:
                said = str(error).partition("\n")[0]
                raise BadInput([Refusal("address", "should be that of a running Ray cluster", said)]) from None
        return ray


def _check_answers(address: str) -> None:
    """Raises BadInput if nothing answers there, of which Ray itself makes sure for more than five minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdigit():
        return  # Ray knows it by a name.
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_SECONDS).close()
    except OSError as error:
        rule = "should be that of a running Ray cluster"
        raise BadInput([Refusal("address", rule, f"{address}: {error.strerror or error}")]) from None


def _found(ray: Any, task: Any, part: str) -> Any:
    """What a task found.

    Raises what it raised, and BadInput if its workers were lost time after time.
    """
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        # Ray's own says where in which process it was raised, in many lines.
        raise error.cause from None
    except ray.exceptions.RayError as error:
        said = str(error).partition("\n")[0]
        raise BadInput([Refusal(part, "should be made by a worker that lives until it is done", said)]) from None
