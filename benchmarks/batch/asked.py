"""What is asked of the batch scorer, and what was measured of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.batch.faults.told import amiss
from benchmarks.batch.figures import Measured, median, ratio
from benchmarks.batch.programs import CALL, COMMAND, CSV, PANDAS, PARQUET, POLARS, PROTOTYPE, RAY, SPARK
from benchmarks.batch.ray_cluster.told import FIRST
from benchmarks.batch.ray_cluster.told import ratio as over_one_process

# Times as fast as each, whole processes.
AT_LEAST = {
    PARQUET: {PANDAS: 3, POLARS: 1.4, SPARK: 5, RAY: 5, PROTOTYPE: 0.95},
    CSV: {POLARS: 1.2},
}
# Its job, over the limit of the machine.
AT_MOST = {PARQUET: 1.20, CSV: 1.35}
WRITTEN = {PARQUET: "Parquet", CSV: "CSV"}
MEMORY_AT_MOST, PHOTOGRAPHS_AT_LEAST, CLUSTER_AT_MOST = 1.1, 0.9, 1.15


def asked(
    measured: dict[str, Measured],
    memory: list[dict[str, Any]],
    photographs: list[dict[str, Any]],
    broken: dict[str, Any],
    on_ray: dict[str, Any],
) -> list[list[str]]:
    """Lines of a table: what, its measure, and what is asked; what was not measured is left out."""
    found = [*_speeds(measured), *_memory(memory), *_photographs(photographs), *_broken(broken, on_ray)]
    return [[what, _figure(value), bar] for what, value, bar in found if value == value]  # noqa: PLR0124  # NaN is not


Line = tuple[str, float, str]


def _figure(value: float) -> str:
    """A count as it is, a ratio to two digits."""
    return f"{value}" if isinstance(value, int) else f"{value:.2f}"


def _speeds(measured: dict[str, Measured]) -> Iterator[Line]:
    for kind, each in measured.items():
        name = WRITTEN[kind]
        yield f"{name}: the job, times the limit", each.to_limit(CALL), f"at most {AT_MOST[kind]:.2f}"
        for peer, bar in AT_LEAST[kind].items():
            yield f"{name}: whole, times as fast as {peer}", each.times(peer, COMMAND), f"at least {bar:g}"


def _memory(found: list[dict[str, Any]]) -> Iterator[Line]:
    """The most rows beside the fewest, turn by turn."""
    if found:
        (few, many) = (choose(each["rows"] for each in found) for choose in (min, max))
        by_turn = [{each["turn"]: each["megabytes"] for each in found if each["rows"] == rows} for rows in (many, few)]
        yield f"memory of {many:,} rows, times that of {few:,}", ratio(*by_turn), f"at most {MEMORY_AT_MOST:g}"


def _photographs(found: list[dict[str, Any]]) -> Iterator[Line]:
    rates = median({place: each["call"] / each["alone"] for place, each in enumerate(found)})
    yield "photographs: times as fast as looking at them in process", rates, f"at least {PHOTOGRAPHS_AT_LEAST:g}"


def _broken(broken: dict[str, Any], on_ray: dict[str, Any]) -> Iterator[Line]:
    yield (
        "a cluster: seconds, times those of one process",
        over_one_process(on_ray, FIRST),
        f"at most {CLUSTER_AT_MOST:g}",
    )
    some = [found for found in (broken.get("found"), on_ray.get("kills")) if found]
    if some:
        tried = sum(each["tried"] for found in some for each in found)
        yield f"of {tried} faults, something that was amiss", amiss(*some), "0"
