"""The programs that are compared, and how each is started."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batch.job import Job
from benchmarks.batch.measuring import HERE

PEERS = "benchmarks.batch.peers"
# Peers want packages that nothing else here needs; `make bench-batch` makes their environment.
PYTHON = HERE / ".venv-peers" / "batch" / "bin" / "python"
PARQUET, CSV = "parquet", "csv"
COMMAND, CALL = "Fulcrum (the command)", "Fulcrum (called from Python)"
PANDAS, POLARS, PROTOTYPE = "pandas (one frame)", "polars (batches)", "prototype (checks nothing)"
SPARK, RAY = "PySpark (mapInArrow)", "Ray Data (map_batches)"


@dataclass(frozen=True)
class Program:
    """A peer, by its module, or Fulcrum, by its command line or a call.

    `folder`: it takes a folder of Parquet files and makes one. `slow`: with `--quick`, it takes part in one round.
    `close`: it is so near to Fulcrum that it takes part in every turn of a round.
    """

    name: str
    module: str
    folder: bool = False
    slow: bool = False
    close: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is Fulcrum."""
        return self.name in {COMMAND, CALL}

    @property
    def there(self) -> bool:
        """Whether it can be run here."""
        return self.ours or PYTHON.exists()

    def source(self, job: Job, kind: str) -> Path:
        """What it reads."""
        if kind == CSV:
            return job.csv
        return job.parts if self.folder else job.parquet

    def target(self, folder: Path, kind: str) -> Path:
        """What it writes, in a folder."""
        name = f"{kind}-{self.module.rpartition('.')[2]}"
        return folder / (name if self.folder else f"{name}.{kind}")

    def command(self, job: Job, source: Path, target: Path) -> list[str]:
        """What starts it."""
        if self.name == COMMAND:
            return fulcrum(source, target, job.bundle)
        python, model = (sys.executable, job.bundle) if self.ours else (str(PYTHON), job.model)
        return [python, "-m", self.module, str(source), str(target), str(model)]


def fulcrum(source: Path, target: Path, bundle: Path) -> list[str]:
    """The command that scores a file; of its columns only `id` goes to the answers, as with everybody."""
    named = ["--bundle", str(bundle), "--keep", "id"]
    return [sys.executable, "-m", "fulcrum", "score", str(source), str(target), *named]


OURS = (Program(COMMAND, "fulcrum", close=True), Program(CALL, "benchmarks.batch.call", close=True))
PROGRAMS = {
    PARQUET: (
        *OURS,
        Program(PROTOTYPE, f"{PEERS}.prototype", close=True),
        Program("pyarrow (three stages)", f"{PEERS}.pyarrow_stages"),
        Program("DuckDB (a loop)", f"{PEERS}.duckdb_loop"),
        Program(POLARS, f"{PEERS}.polars_batches", close=True),
        Program("pyarrow (a loop)", f"{PEERS}.pyarrow_loop"),
        Program("Daft (a class)", f"{PEERS}.daft_class", folder=True),
        Program(PANDAS, f"{PEERS}.pandas_plain"),
        Program(SPARK, f"{PEERS}.spark", folder=True, slow=True),
        Program(RAY, f"{PEERS}.ray_data", folder=True, slow=True),
    ),
    CSV: (
        *OURS,
        Program(PROTOTYPE, f"{PEERS}.prototype", close=True),
        Program("DuckDB (a function)", f"{PEERS}.duckdb_udf"),
        Program(POLARS, f"{PEERS}.polars_batches", close=True),
        Program(PANDAS, f"{PEERS}.pandas_plain"),
    ),
}
