"""A real `bentoml serve` on a free loopback port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from models.bundle import open_bundle
from models.scorer import Scorer

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Server:
    """A running service, the file its log goes to, the bundles it answers from, and its first process."""

    url: str
    log: Path
    bundles: Path
    pid: int

    def scorer(self, model: str) -> Scorer:
        return Scorer(open_bundle(self.bundles / model))

    def get(self, path: str, **request: object) -> httpx.Response:
        return httpx.get(f"{self.url}/{path}", timeout=60, verify=False, **request)

    def post(self, path: str, **request: object) -> httpx.Response:
        return httpx.post(f"{self.url}/{path}", timeout=60, verify=False, **request)

    def put(self, path: str, **request: object) -> httpx.Response:
        return httpx.put(f"{self.url}/{path}", timeout=60, verify=False, **request)


def said(response: httpx.Response) -> dict[str, Any]:
    """A reply but for its id, which no other one has."""
    body: dict[str, Any] = response.json()
    assert re.fullmatch("[0-9a-f]{16}-[0-9a-f]+", body.pop("id"))
    return body


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """What a service is started with: its own BentoML home and store of changes, and no setting of this machine.

    It ends at once when it is told to.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FULCRUM_", "BENTOML_"))}
    own = {"BENTOML_HOME": str(folder), "FULCRUM_STORE": f"sqlite:///{folder}/changes.sqlite"}
    own["FULCRUM_DRAIN_SECONDS"] = "0"
    return {**kept, **own, "BENTOML_DO_NOT_TRACK": "True", **variables}


def workers(count: int) -> dict[str, str]:
    """The variable that makes so many processes answer for one address."""
    return {"BENTOML_CONFIG_OPTIONS": f"services.fulcrum.workers={count}"}


@contextmanager
def serving(
    *arguments: str,
    variables: dict[str, str],
    folder: Path,
    bundles: Path,
    log: Path,
    confined: tuple[str, ...] = (),
) -> Iterator[Server]:
    """Start `bentoml serve` in `folder`, wait until it is ready, and end every process of it afterwards.

    `confined` is a command that becomes the one it is given.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*confined, sys.executable, "-m", "bentoml", "serve", *arguments]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    server = Server(f"http://127.0.0.1:{port}", log, bundles, process.pid)
    try:
        _wait(server, process)
        yield server
    finally:
        _end(process)


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if server.get("readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"The service did not start:\n{server.log.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    # The workers have process groups of their own, so they are looked up while their parent lives.
    alive = [psutil.Process(process.pid)] if process.poll() is None else []
    alive += [child for parent in alive for child in parent.children(recursive=True)]
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    _, stubborn = psutil.wait_procs(alive, timeout=30)
    for left in stubborn:
        left.kill()
    process.wait()
    psutil.wait_procs(stubborn)
