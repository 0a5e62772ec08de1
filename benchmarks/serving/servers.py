"""The servers that are compared: how each is started, and how it is asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.serving.job import rows
from benchmarks.serving.peers.fields import HOME

PATIENCE_SECONDS = 120
PORT = 18_080
# What a server says that listens before it has its model.
NOT_YET = {404, 503}
HERE = Path(__file__).parents[2]
PEERS = "benchmarks.serving.peers"


# Peers that want other versions of what is used here live in environments of their own, made by `make bench-serving`.
ENVIRONMENTS = HERE / ".venv-peers"


@dataclass(frozen=True)
class Server:
    """A server: what starts it, and the addresses and the form in which it takes one person and a hundred.

    `around` is the name under which it takes people, None where one person comes bare, and `within` that of its answers.
    """

    name: str
    command: tuple[str, ...]
    environment_of: str | None = None
    ours: bool = False
    one: str = "/one"
    many: str = "/many"
    around: str | None = None
    within: str = "rows"
    columns: str | None = None
    table: str | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> str:
        """What runs it."""
        return str(ENVIRONMENTS / self.environment_of / "bin" / "python") if self.environment_of else sys.executable

    @property
    def there(self) -> bool:
        """Whether it can be run here."""
        return Path(self.python).exists()

    def body(self, people: list[dict[str, Any]], *, by_column: bool = False) -> bytes:
        """A request for some people, as this server takes it."""
        if by_column:
            return json.dumps({"columns": {name: [row[name] for row in people] for name in people[0]}}).encode()
        if self.around is None:
            return json.dumps({"rows": people} if len(people) > 1 else people[0]).encode()
        return json.dumps({self.around: people}).encode()

    def answers(self, reply: Any) -> list[dict[str, Any]]:
        """The answers to the people of a request."""
        found: list[dict[str, Any]] = reply.get(self.within, [reply])
        return found


def _uvicorn(app: str) -> tuple[str, ...]:
    options = ("--no-access-log", "--log-level", "warning", "--loop", "uvloop", "--http", "httptools")
    return ("-m", "uvicorn", f"{PEERS}.{app}", "--host", "127.0.0.1", "--port", str(PORT), *options)


def _bentoml(service: str) -> tuple[str, ...]:
    return ("-m", "bentoml", "serve", service, "--host", "127.0.0.1", "--port", str(PORT))


def _fulcrum(name: str, workers: int) -> Server:
    return Server(
        name,
        _bentoml("serving.service:Screening"),
        ours=True,
        one="/screen",
        many="/screen",
        around="rows",
        columns="/screen/columns",
        table="/screen/table",
        environment={"BENTOML_CONFIG_OPTIONS": f"services.fulcrum.workers={workers}"},
    )


SERVERS = (
    Server("BentoML as its documentation shows it", _bentoml(f"{PEERS}.bentoml_docs:Screening")),
    Server("FastAPI, async, one worker", _uvicorn("fastapi_app:app")),
    Server("ASGI by hand, msgspec", _uvicorn("asgi:app")),
    Server("ASGI by hand, msgspec, one inference a turn", _uvicorn("asgi:shared")),
    Server("MLServer, custom handlers", ("-m", f"{PEERS}.mlserver_run", str(PORT)), environment_of="mlserver"),
    Server("LitServe, fast queue", ("-m", f"{PEERS}.litserve_app", str(PORT)), environment_of="litserve"),
    Server("Ray Serve, throughput switch", ("-m", f"{PEERS}.ray_app", str(PORT)), environment_of="ray"),
    Server(
        "MLflow models serve",
        ("-m", f"{PEERS}.mlflow_run", str(PORT)),
        environment_of="mlflow",
        one="/invocations",
        many="/invocations",
        around="dataframe_records",
        within="predictions",
    ),
    _fulcrum("Fulcrum, one worker", 1),
    _fulcrum("Fulcrum, two workers", 2),
)


@dataclass(frozen=True)
class Running:
    """A server that answers, and its processes."""

    server: Server
    process: subprocess.Popen[bytes]
    url: str
    seconds_to_first_answer: float

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far."""
        return sum(sum(each.cpu_times()[:2]) for each in self._tree())

    def megabytes(self) -> float:
        """Memory that its processes do not share with others."""
        return sum(each.memory_full_info().uss for each in self._tree()) / 1e6

    def _tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


@contextmanager
def started(
    server: Server, bundles: Path, folder: Path, people: list[dict[str, Any]] | None = None
) -> Iterator[Running]:
    """Start a server, wait for its first right answer, about some people, and end all of it afterwards."""
    environment = {
        **os.environ,
        **server.environment,
        HOME: str(bundles),
        "PYTHONPATH": str(HERE),
        "FULCRUM_BUNDLES": str(bundles),
        "FULCRUM_STORE": f"sqlite:///{folder}/changes.sqlite",
        "BENTOML_HOME": str(folder),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    begun, url = time.perf_counter(), f"http://127.0.0.1:{PORT}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server.python, *server.command],
            cwd=HERE,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(server, process, url, begun, server.body(people or rows(1, 0)))
        yield Running(server, process, url, time.perf_counter() - begun)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server and whoever it has started, who might answer in place of the next one."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _, left = psutil.wait_procs(below, timeout=5)
    for each in left:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(left, timeout=5)


def ask(url: str, body: bytes) -> Any:
    """What a server answers; raises HTTPError where that is no success."""
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        return json.load(response)


def _wait(server: Server, process: subprocess.Popen[bytes], url: str, begun: float, body: bytes) -> None:
    while time.perf_counter() - begun < PATIENCE_SECONDS:
        if process.poll() is not None:
            break
        try:
            ask(url + server.one, body)
        except urllib.error.HTTPError as error:
            if error.code in NOT_YET:
                time.sleep(0.02)
                continue
            raise SystemExit(f"{server.name}: should answer, got {error.code}: {error.read().decode()}") from None
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"{server.name}: should answer within {PATIENCE_SECONDS} seconds, and did not; see its log.")
