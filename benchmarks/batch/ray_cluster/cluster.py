"""A Ray cluster of this machine: a head that does no work and two nodes of a core each, every one with processes of its own."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.batch.measuring import HERE

# Ray takes 127.0.0.1 for a mistake and puts the outer address in its place.
ADDRESS, NODES = "127.0.0.2", 2
STORE_BYTES = 80 << 20
TASK = "ray::score_shard"
# A node gives up where its own helpers are slow to begin, as on a machine that others use too.
TRIES, LEAVE_SECONDS = 4, 10
CURRENT = Path(tempfile.gettempdir()) / "ray" / "ray_current_cluster"


class Cluster:
    """A running cluster: where it is, and how to kill parts of it."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self._cluster, self._folder = cluster, folder
        self._seen: set[psutil.Process] = set()

    @property
    def address(self) -> str:
        """What a job is told."""
        found: str = self._cluster.address
        return found

    def add(self, cpus: int) -> None:
        """One more node, the head first.

        Raises what Ray raises if it does not begin, time after time.
        """
        for left in reversed(range(TRIES)):
            before = _own()
            try:
                self._cluster.add_node(
                    num_cpus=cpus,
                    node_ip_address=ADDRESS,
                    object_store_memory=STORE_BYTES,
                    include_dashboard=False,
                    include_log_monitor=False,
                    no_monitor=True,
                    temp_dir=str(self._folder),
                )
            except Exception:
                _kill(_own() - before)
                if not left:
                    raise
            else:
                self.look()
                return

    def busy(self) -> list[psutil.Process]:
        """The workers that do a task just now."""
        return [each for each in _own() if _is_at_work(each)]

    def kill_node(self) -> None:
        """SIGKILL to all processes of a node, of one that does a task if there is one; and another node in its place."""
        self.look()
        nodes = list(self._cluster.worker_nodes)
        node = next((node for node in nodes if any(map(_is_at_work, _processes(node)))), nodes[0])
        _kill(_processes(node))
        self._cluster.remove_node(node, allow_graceful=False)
        self.add(1)

    def look(self) -> None:
        """Keep in mind which processes there are, for they are to be gone in the end."""
        self._seen |= _own()

    def idle(self) -> bool:
        """Whether no worker does a task any more, on a node that was killed neither."""
        self.look()
        return not any(map(_is_at_work, self._seen))

    def end(self) -> None:
        """Shut it down, and kill whatever is left of it."""
        self.look()
        with suppress(Exception):  # However it ends: what is left is killed.
            self._cluster.shutdown()
        _kill(self._seen | _own())


@contextmanager
def running() -> Iterator[Cluster]:
    """A cluster of its own with a folder of its own, of which nothing is left in the end.

    Raises SystemExit if Ray is not installed.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    _set(folder)
    try:
        from ray import cluster_utils  # noqa: PLC0415  # comes with an extra, and the variables come first
    except ImportError:
        raise SystemExit("pip install 'fulcrum-screening[ray]' for this.") from None
    logging.getLogger("ray").setLevel(logging.ERROR)
    cluster = Cluster(cluster_utils.Cluster(shutdown_at_exit=False), folder)
    try:
        # A job of somebody else that names no address is not to come here.
        with _unchanged(CURRENT):
            cluster.add(0)
        for _ in range(NODES):
            cluster.add(1)
        yield cluster
    finally:
        with _unchanged(CURRENT):
            cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


def _set(folder: Path) -> None:
    """What the nodes hand on to their workers, and what jobs are to have too."""
    # Ray imports it where it is there, and then takes 3 seconds longer to import; it comes with a tool that develops this
    # package and is in no installation that only scores.
    hidden = folder / "hidden"
    hidden.mkdir()
    (hidden / "rfc3987_syntax.py").write_text("raise ImportError(__name__)\n")
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        # By default workers would give way to whatever else there is on this machine, which the job beside them does not.
        "RAY_worker_niceness": "0",
        "PYTHONPATH": f"{HERE}{os.pathsep}{hidden}",
    }


@contextmanager
def _unchanged(file: Path) -> Iterator[None]:
    before = file.read_bytes() if file.exists() else None
    # Ray writes to it, and does not make its folder.
    file.parent.mkdir(exist_ok=True)
    try:
        yield
    finally:
        if before is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(before)


def _own() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def _processes(node: Any) -> set[psutil.Process]:
    """All of a node."""
    found: set[psutil.Process] = set()
    for kind in node.all_processes.values():
        for each in kind:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(each.process.pid)
                found |= {process, *process.children(recursive=True)}
    return found


def _is_at_work(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).startswith(TASK)
    return False


def _kill(processes: set[psutil.Process]) -> None:
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(list(processes), timeout=LEAVE_SECONDS)
