"""What is counted arrives at Prometheus whole, whichever way it is told there."""

from __future__ import annotations

import asyncio
import math
import sys
from concurrent.futures import ThreadPoolExecutor

import prometheus_client
import pytest

from serving import tally as module
from serving.tally import BOUNDS, Tally

TOOK = [5e-5, 1e-4, 1.5e-4, 0.003, 0.003, 2.0, 60.0]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> prometheus_client.CollectorRegistry:
    """A registry of this test's own."""
    own = prometheus_client.CollectorRegistry()
    for name in ("Counter", "Histogram"):
        kind = getattr(prometheus_client, name)

        def made(*given: object, kind: type = kind, **named: object) -> object:
            return kind(*given, registry=own, **named)

        monkeypatch.setattr(prometheus_client, name, made)
    return own


def counted(tally: Tally, seconds: list[float]) -> None:
    """Count as a server does, until it has been told."""

    async def count() -> None:
        for each in seconds:
            tally.answered("screen", 200, each)
        tally.answered("pathway", 422, 0.5)
        tally.decided("screen", "positive", 7)
        await asyncio.sleep(3 * module.PAUSE_SECONDS)

    asyncio.run(count())


def reference(seconds: list[float]) -> dict[str, float]:
    """How many took at most as long as each bound."""
    bounds = [*BOUNDS, math.inf]
    return {prometheus_client.utils.floatToGoString(bound): sum(each <= bound for each in seconds) for bound in bounds}


def buckets(registry: prometheus_client.CollectorRegistry) -> dict[str, float]:
    return {
        sample.labels["le"]: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "fulcrum_request_seconds_bucket" and sample.labels["endpoint"] == "screen"
    }


def test_counts_and_seconds_arrive(
    registry: prometheus_client.CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    tally = Tally()
    counted(tally, TOOK)
    counted(tally, TOOK[:2])

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("fulcrum_requests_total", endpoint="screen", status="200") == len(TOOK) + 2
    assert value("fulcrum_requests_total", endpoint="pathway", status="422") == 2
    assert value("fulcrum_rows_total", endpoint="screen", decision="positive") == 14
    assert value("fulcrum_request_seconds_sum", endpoint="screen") == pytest.approx(sum(TOOK + TOOK[:2]))
    assert buckets(registry) == reference(TOOK + TOOK[:2])


def test_where_prometheus_is_built_otherwise_it_is_told_one_by_one(
    registry: prometheus_client.CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    tally = Tally()
    histogram = tally.metrics.seconds.labels("screen")
    values, histogram._buckets = histogram._buckets, None
    told: list[float] = []
    monkeypatch.setattr(histogram, "observe", told.append)
    counted(tally, TOOK)
    histogram._buckets = values

    assert len(told) == len(TOOK)
    assert reference(told) == reference(TOOK)


def test_what_threads_decide_while_it_is_told_is_counted_whole(registry: prometheus_client.CollectorRegistry) -> None:
    tally, times, threads = Tally(), 20_000, 4

    def decide() -> None:
        for _ in range(times):
            tally.decided("screen", "positive", 1)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            deciding = [pool.submit(decide) for _ in range(threads)]
            while not all(each.done() for each in deciding):
                tally.pour()
    finally:
        sys.setswitchinterval(before)
    for each in deciding:
        each.result()
    tally.pour()
    labels = {"endpoint": "screen", "decision": "positive"}
    assert registry.get_sample_value("fulcrum_rows_total", labels) == times * threads
