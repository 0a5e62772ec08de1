"""How many were answered and decided, and how long it took: counted here, and told to Prometheus four times a second.

A count of Prometheus that several workers share costs 3 microseconds, a sum of this file a tenth of one. What was
counted in the last quarter of a second is lost with a worker that is killed; nothing else depends on it.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import prometheus_client

PAUSE_SECONDS = 0.25
# From a tenth of a millisecond on, each twice the one before.
BOUNDS = tuple(1e-4 * 2**step for step in range(17))


class Metrics:
    """What Prometheus is told, made in the process that serves, where it knows its own folder."""

    def __init__(self) -> None:
        import prometheus_client  # noqa: PLC0415  # before a worker has named its folder it would count for itself alone

        self.requests = prometheus_client.Counter(
            "fulcrum_requests", "Requests to a model, by the status of the answer", ["endpoint", "status"]
        )
        self.refused = prometheus_client.Counter(
            "fulcrum_refused", "Requests of people who were not let in, by the reason", ["reason"]
        )
        self.rows = prometheus_client.Counter("fulcrum_rows", "Rows that were decided", ["endpoint", "decision"])
        self.seconds = prometheus_client.Histogram(
            "fulcrum_request_seconds", "From the last byte of a request to its answer", ["endpoint"], buckets=BOUNDS
        )


class Tally:
    """The counts of one process, by endpoint."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._refused: Counter[str] = Counter()
        self._rows: Counter[tuple[str, str]] = Counter()
        self._seconds: Counter[tuple[str, int]] = Counter()
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._pouring = False
        # Tables and photographs are decided in threads.
        self._lock = threading.Lock()

    @cached_property
    def metrics(self) -> Metrics:
        """What Prometheus is told."""
        return Metrics()

    def answered(self, endpoint: str, status: int, *seconds: float) -> None:
        """Requests were answered, or refused, each after so many seconds."""
        self._requests[endpoint, status] += len(seconds)
        self._sums[endpoint] += sum(seconds)
        for each in seconds:
            self._seconds[endpoint, bisect_left(BOUNDS, each)] += 1
        if not self._pouring:
            self._pouring = True
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.pour)

    def refused(self, reason: str) -> None:
        """Somebody was not let in, which `answered` tells of too."""
        self._refused[reason] += 1

    def decided(self, endpoint: str, decision: str, rows: int) -> None:
        """So many rows were decided so."""
        with self._lock:
            self._rows[endpoint, decision] += rows

    def pour(self) -> None:
        """Tell Prometheus, and begin anew."""
        self._pouring = False
        with self._lock:
            decided, self._rows = self._rows, Counter()
        for (endpoint, status), times in self._requests.items():
            self.metrics.requests.labels(endpoint, str(status)).inc(times)
        for reason, times in self._refused.items():
            self.metrics.refused.labels(reason).inc(times)
        for (endpoint, decision), rows in decided.items():
            self.metrics.rows.labels(endpoint, decision).inc(rows)
        for endpoint, seconds in self._sums.items():
            bins = {place: times for (name, place), times in self._seconds.items() if name == endpoint}
            _observe(self.metrics.seconds.labels(endpoint), bins, seconds)
        self._requests.clear()
        self._refused.clear()
        self._seconds.clear()
        self._sums.clear()


def _observe(histogram: prometheus_client.Histogram, bins: dict[int, int], seconds: float) -> None:
    """Many observations at once, for which Prometheus's own library has no call: its values are added to."""
    buckets, total = getattr(histogram, "_buckets", None), getattr(histogram, "_sum", None)
    if buckets is None or total is None or len(buckets) != len(BOUNDS) + 1:
        for place, times in bins.items():
            for _ in range(times):
                histogram.observe(BOUNDS[place] if place < len(BOUNDS) else 2 * BOUNDS[-1])
        return
    for place, times in bins.items():
        buckets[place].inc(times)
    total.inc(seconds)


# Prometheus counts by process too.
TALLY = Tally()
